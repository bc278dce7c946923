"""Testees that lie, each in one way; run as a program, with nothing but Python's own modules.

    miniatures.py NAME SUITE decode IMAGE     level 0
    miniatures.py NAME SUITE --session        level 1

All but what a fake lies about is what `honest` does: it knows the answers from the suite.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time


class Suite:
    """Knows the vectors of a suite by the bytes of their images."""

    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/manifest.json") as file:
            self.vectors = {v["files"][0]["sha256"]: v for v in json.load(file)["vectors"]}

    def of(self, image):
        with open(image, "rb") as file:
            return self.vectors[hashlib.sha256(file.read()).hexdigest()]

    def inventory(self, vector):
        with open(f"{self.folder}/{vector['inventory']}") as file:
            return json.load(file)


DONE, REFUSED, FAULTY = 0, 1, 4


def honest(suite, task, image, *rest):
    """Tells the truth: (exit code, inventory); what is said to be broken is a SHOULD."""
    vector = suite.of(image)
    if task == "validate":
        only_should = "expect" in vector and rest != ("SHOULD",)
        return DONE if vector["valid"] or only_should else REFUSED, None
    if vector["decode"] == "reject":
        return REFUSED, None
    return FAULTY if vector["decode"] == "survive" else DONE, suite.inventory(vector)


# -- level 0: a function prints and returns an exit code -----------------------------------------


def command_honest(suite, *words):
    """Tells the truth."""
    code, inventory = honest(suite, *words)
    if inventory is not None:
        print(json.dumps(inventory))
    return code


def command_accepts_all(suite, task, *_words):
    """Says of every image that it is good, and that nothing is in it."""
    if task == "decode":
        print(json.dumps({"inventory": 1, "inodes": []}))
    return 0


def command_sees_no_faults(suite, *words):
    """Tells the truth about what is there, and nothing of what is wrong with it."""
    code, inventory = honest(suite, *words)
    if inventory is not None:
        print(json.dumps(inventory))
    return DONE if code == FAULTY else code


def command_calls_all_whole(suite, *words):
    """Says that something is wrong with an image, but not with what in it."""
    code, inventory = honest(suite, *words)
    for inode in (inventory or {"inodes": []})["inodes"]:
        inode.pop("state", None)
    print(json.dumps(inventory))
    return code


def command_renames_faults(suite, *words):
    """Has names of its own for what is wrong."""
    code, inventory = honest(suite, *words)
    for fault in (inventory or {}).get("faults", ()):
        fault["name"] = "oops"
    print(json.dumps(inventory))
    return code


def command_no_image(suite, *words):
    """Says nothing of the image itself."""
    code, inventory = honest(suite, *words)
    print(json.dumps({**(inventory or {}), "image": None}))
    return code


def command_rejects_all(*_words):
    """Refuses every image."""
    print("no such thing", file=sys.stderr)
    return 1


def command_unsupported(*_words):
    """Says of every image that it lacks what it needs."""
    print("not my kind", file=sys.stderr)
    return 3


def command_skips(*_words):
    """Says of every task that it cannot be done here."""
    print("no tape drive", file=sys.stderr)
    return 77


def command_lenient(suite, *words):
    """Lets an image break what is only recommended, whatever it is asked."""
    return command_honest(suite, *words[:2])


def command_severe(suite, task, image, *_level):
    """Lets no image break what is only recommended, whatever it is asked."""
    return command_honest(suite, task, image, "SHOULD")


def command_wrong(suite, *words):
    """Tells every file to be one byte longer than it is."""
    code, inventory = honest(suite, *words)
    for inode in (inventory or {"inodes": []})["inodes"]:
        if "size" in inode:
            inode["size"] = str(int(inode["size"]) + 1)
    print(json.dumps(inventory))
    return code


def command_shuffled(suite, *words):
    """Tells the truth in another order."""
    code, inventory = honest(suite, *words)
    for inode in (inventory or {"inodes": []})["inodes"]:
        inode["paths"].reverse()
    if inventory:
        inventory["inodes"].reverse()
    print(json.dumps(inventory))
    return code


def command_hangs(*_words):
    """Never ends."""
    time.sleep(600)


def command_loops(*_words):
    """Never ends, and is busy with it."""
    while True:
        pass


def command_crashes(*_words):
    """Is ended by a signal."""
    os.kill(os.getpid(), signal.SIGSEGV)


def command_aborts(*_words):
    """Ends as a shell does whose program was ended by a signal."""
    return 134


def command_rubbish(*_words):
    """Prints what is no JSON."""
    sys.stdout.buffer.write(b"\xff\x00 rubbish {")
    return 0


def command_truncated(suite, *words):
    """Prints the first half of its answer."""
    text = json.dumps(honest(suite, *words)[1])
    print(text[: len(text) // 2])
    return 0


def command_no_inventory(*_words):
    """Prints JSON that is no inventory."""
    print("[[[[1]]]]")
    return 0


def command_deep(*_words):
    """Prints JSON nested deeper than anybody reads."""
    print("[" * 1_000_000)
    return 0


def command_floods(*_words):
    """Prints without end."""
    while True:
        sys.stdout.write("x" * 65536)


def command_chatters(suite, *words):
    """Tells the truth among a megabyte of messages."""
    sys.stderr.write("chatter\n" * 131072)
    return command_honest(suite, *words)


def command_eats(*_words):
    """Takes memory until it gets no more, and calls that a refusal."""
    held = []
    try:
        while True:
            held.append(b"x" * (8 << 20))
            time.sleep(0.002)
    except MemoryError:
        return 1


def command_strange(*_words):
    """Ends with an exit code that means nothing."""
    return 9


def command_child(suite, *words):
    """Tells the truth and leaves a process behind that holds its output open."""
    code = command_honest(suite, *words)
    sys.stdout.flush()
    if not os.fork():
        time.sleep(600)
    return code


def command_outside(_suite, _task, _image, _selection, destination):
    """Restores next to where it should."""
    with open(f"{destination}/../evil", "w") as file:
        file.write("here")
    return 0


# -- level 1: a function returns the line to answer with -----------------------------------------


def answer_honest(suite, asked):
    """Tells the truth."""
    arguments = asked["arguments"]
    level = [arguments["level"]] if "level" in arguments else []
    code, inventory = honest(suite, asked["task"], arguments["image"], *level)
    results = {"accepted": code != REFUSED, "faults": code == FAULTY, "inventory": inventory}
    return {"seq": asked["seq"], "results": results}


def answer_accepts_all(_suite, asked):
    """Says of every image that it is good, and that nothing is in it."""
    inventory = {"inventory": 1, "inodes": []}
    return {"seq": asked["seq"], "results": {"accepted": True, "inventory": inventory}}


def answer_seq(suite, asked):
    """Answers another question."""
    return {**answer_honest(suite, asked), "seq": asked["seq"] + 1}


def answer_rubbish(_suite, _asked):
    """Prints what is no JSON."""
    return b"\xfe{\n"


def answer_truncated(suite, asked):
    """Ends in the middle of a line."""
    sys.stdout.write(json.dumps(answer_honest(suite, asked))[:-10])
    sys.stdout.flush()
    os._exit(0)


def answer_dies(_suite, _asked):
    """Ends without an answer, and says why."""
    print("I give up", file=sys.stderr)
    sys.exit(5)


def answer_crashes(_suite, _asked):
    """Is ended by a signal."""
    os.kill(os.getpid(), signal.SIGBUS)


def answer_hangs(_suite, _asked):
    """Never answers."""
    time.sleep(600)


def answer_eats(_suite, _asked):
    """Takes memory without end."""
    command_eats()


def answer_floods(_suite, _asked):
    """Writes a line without end."""
    command_floods()


def answer_both(suite, asked):
    """Says two things at once."""
    return {**answer_honest(suite, asked), "skipped": {"message": "or not"}}


def answer_maybe(_suite, asked):
    """Says neither that it accepts nor that it refuses."""
    return {"seq": asked["seq"], "results": {"accepted": "maybe"}}


def answer_perhaps(_suite, asked):
    """Says neither that something is wrong nor that nothing is."""
    results = {"accepted": True, "faults": "perhaps", "inventory": {"inodes": []}}
    return {"seq": asked["seq"], "results": results}


def answer_errored(_suite, asked):
    """Says that it failed itself."""
    return {"seq": asked["seq"], "errored": {"message": "my adapter is broken"}}


def answer_skips(_suite, asked):
    """Says of every task that it cannot be done here."""
    told = {"message": "not yet", "issue_url": "https://example.org/7"}
    return {"seq": asked["seq"], "skipped": told}


def answer_unsupported(_suite, asked):
    """Says of every image that it lacks what it needs."""
    return {"seq": asked["seq"], "unsupported": {"message": "not my kind"}}


def answer_twice(suite, asked):
    """Answers a second time, before it is asked."""
    print(json.dumps(answer_honest(suite, asked)))
    return {"seq": asked["seq"], "results": {"accepted": True, "inventory": {"inodes": []}}}


STARTS = {
    "mute": None,
    "old": {"protocol": 0},
    "boastful": {"protocol": 1, "features": ["dump", "teleportation"]},
    "shapeless": {"protocol": 1, "implementation": "me"},
    "list": [1],
}
"""Testees that do not even start well: what they answer to it."""


def session(name, suite):
    about = {
        "protocol": 1,
        "implementation": {"name": name, "version": "1"},
        "tasks": ["decode", "validate"],
        "features": ["dari-core", "dump", "acl", "faults"],
    }
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["cmd"] == "stop":
            return
        if asked["cmd"] == "start":
            told = STARTS.get(name, about)
            if told is None:
                return
        else:
            told = globals()[f"answer_{name}"](suite, asked)
        if isinstance(told, bytes):
            sys.stdout.buffer.write(told)
        else:
            sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    chosen, where, *words = sys.argv[1:]
    if words == ["--session"]:
        session(chosen, Suite(where))
    else:
        code = globals()[f"command_{chosen}"](Suite(where), *words)
        sys.stdout.flush()
        os._exit(code)
