"""Samba's own codec of descriptors as a judge, in a process of Debian's Python.

As a program it answers one JSON object a line; ``Judge`` is the other end. The package
python3-samba is built for the system's Python, which is not the one the tests run in.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PYTHON = Path("/usr/bin/python3")
CHECK = "import samba.dcerpc.security, samba.dcerpc.xattr, samba.ndr"


def missing():
    """Return why there is no judge here, or None."""
    if not PYTHON.exists():
        return f"{PYTHON} is not here, and so neither is python3-samba"
    found = subprocess.run([PYTHON, "-E", "-s", "-c", CHECK], capture_output=True, check=False)
    return "Debian's python3-samba is not installed" if found.returncode else None


class Judge:
    """A running judge; ask it as often as you like, starting it is what takes time."""

    def __init__(self, domain):
        self._process = subprocess.Popen(
            [PYTHON, "-E", "-s", __file__, domain],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question, **details):
        """Return the answer, a dict; its key ``error`` says that Samba refused."""
        self._process.stdin.write(json.dumps({"question": question, **details}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"Samba's process ended over {question} {details}"
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


def _read(case, domain):
    """Unpack a descriptor; say it in SDDL, pack it again, and list its entries."""
    found = ndr_unpack(security.descriptor, bytes.fromhex(case["data"]), allow_remaining=True)
    answer = {"packed": ndr_pack(found).hex(), "entries": []}
    for acl in (found.dacl, found.sacl):
        for ace in acl.aces if acl else ():
            answer["entries"].append([ace.type, ace.flags, ace.access_mask, str(ace.trustee)])
    if case.get("sddl"):
        answer |= {"sddl": found.as_sddl(domain), "sddl_without_domain": found.as_sddl()}
    return answer


def _text(case, domain):
    """Build a descriptor from SDDL."""
    return {"data": ndr_pack(security.descriptor.from_sddl(case["sddl"], domain)).hex()}


def _wrap(case, domain):
    """Pack a wrapper around a descriptor."""
    sd = ndr_unpack(security.descriptor, bytes.fromhex(case["data"]), allow_remaining=True)
    acl = xattr.NTACL()
    acl.version = case["version"]
    if acl.version == 1:
        acl.info = sd
        return {"data": ndr_pack(acl).hex()}
    info = getattr(xattr, f"security_descriptor_hash_v{acl.version}")()
    info.sd = sd
    info.hash = list(bytes.fromhex(case["digest"]))
    if acl.version >= 3:
        info.hash_type = case["hash_type"]
    if acl.version == 4:
        info.description, info.time = case["description"], case["time"]
        info.sys_acl_hash = list(bytes.fromhex(case["sys_acl_digest"]))
    acl.info = info
    return {"data": ndr_pack(acl).hex()}


def _unwrap(case, domain):
    """Unpack a wrapper."""
    acl = ndr_unpack(xattr.NTACL, bytes.fromhex(case["data"]), allow_remaining=True)
    info = acl.info
    answer = {"version": acl.version, "data": ndr_pack(getattr(info, "sd", info)).hex()}
    if acl.version >= 2:
        answer["digest"] = bytes(info.hash).hex()
    if acl.version >= 3:
        answer["hash_type"] = info.hash_type
    if acl.version == 4:
        answer |= {"description": info.description, "time": info.time}
        answer["sys_acl_digest"] = bytes(info.sys_acl_hash).hex()
    return answer


def _serve():
    domain = security.dom_sid(sys.argv[1])
    answers = {"read": _read, "text": _text, "wrap": _wrap, "unwrap": _unwrap}
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answer = answers[case["question"]](case, domain)
        except (RuntimeError, TypeError, ValueError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    from samba.dcerpc import security, xattr
    from samba.ndr import ndr_pack, ndr_unpack

    _serve()
