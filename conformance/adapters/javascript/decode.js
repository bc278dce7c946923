// Adapter: a small decoder for node, without any package. Called with arguments it does one task
// (level 0); called with --session it answers lines of JSON (level 1).
'use strict'

const readline = require('node:readline')
const { Walk, isDari, Rejected, Unsupported, addZeros, DIRECTORY, WHOLE_MAX } = require('./walk')
const SIGN = 2 ** 31

const ROOT = 2
const TYPES = {
  0o040000: 'directory',
  0o100000: 'file',
  0o120000: 'symlink',
  0o010000: 'fifo',
  0o140000: 'socket',
  0o020000: 'character',
  0o060000: 'block'
}

function decode (path) {
  const walk = new Walk(path)
  try {
    walk.run()
    const named = [...pathsOf(walk)].map(([number, paths]) => [number, paths.sort(Buffer.compare)])
    named.sort(([a, one], [b, two]) => Buffer.compare(one[0], two[0]) || a - b)
    return {
      inventory: 1,
      inodes: named.map(([number, paths]) => told(walk.inodes.get(number), paths))
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Rejected(error.message)
    throw error
  } finally {
    walk.close()
  }
}

// The paths of all inodes in the image that have any.
function pathsOf (walk) {
  if (!walk.inodes.has(ROOT)) throw new Rejected('no root directory')
  const paths = new Map([[ROOT, [Buffer.alloc(0)]]])
  const waiting = [[ROOT, Buffer.alloc(0)]]
  while (waiting.length) {
    const [number, above] = waiting.pop()
    for (const [name, other] of walk.entries(walk.inodes.get(number))) {
      const inode = walk.inodes.get(other)
      if (!inode) continue
      const path = above.length ? Buffer.concat([above, Buffer.from('/'), name]) : name
      if (inode.kind === DIRECTORY) {
        if (paths.has(other)) throw new Rejected(`directory ${other} has two names`)
        waiting.push([other, path])
      }
      if (!paths.has(other)) paths.set(other, [])
      paths.get(other).push(path)
    }
  }
  return paths
}

function told (inode, paths) {
  const { head, extended, kind } = inode
  const old = head.cDinode
  const isLate = head.cDate >= SIGN || isDari(head.extension)
  const made = {
    inode: head.cInumber,
    paths: paths.map(text),
    type: TYPES[kind] ?? 'unknown',
    mode: (old.diMode & 0o7777).toString(8).padStart(4, '0'),
    uid: old.diUid,
    gid: old.diGid,
    nlink: extended ? extended.nlink : old.diNlink,
    atime: String(extended ? extended.atimeNs : nanoseconds(old.diAtime, isLate)),
    mtime: String(extended ? extended.mtimeNs : nanoseconds(old.diMtime, isLate)),
    ctime: String(extended ? extended.ctimeNs : nanoseconds(old.diCtime, isLate)),
    birthtime: extended && extended.birthtimeNs ? String(extended.birthtimeNs) : null
  }
  if (made.type === 'file') Object.assign(made, contents(inode))
  if (made.type === 'symlink') made.target = target(inode)
  if (made.type === 'character' || made.type === 'block') made.rdev = old.diDb[0] || old.diDb[1]
  return made
}

function contents (inode) {
  if (inode.left) throw new Rejected(`inode ${inode.head.cInumber}: not all of its data is there`)
  const isSmall = inode.size <= WHOLE_MAX
  if (isSmall) addZeros(inode, inode.size)
  return {
    size: String(inode.size),
    extents: inode.extents.map(([first, count]) => [String(first), String(count)]),
    data_sha256: inode.present.digest('hex'),
    sha256: isSmall ? inode.whole.digest('hex') : null
  }
}

function target (inode) {
  const data = Buffer.concat(inode.data)
  if (BigInt(data.length) < inode.size) throw new Rejected('not all of a link is there')
  return text(data)
}

// An old time (DARI-FIL-024); BSD writes nanoseconds where Linux writes microseconds. In a plain
// dump of before 2038 seconds have a sign.
function nanoseconds ({ tvSec, tvUsec }, isLate) {
  const seconds = tvSec >>> 0
  const signed = seconds >= SIGN && !isLate ? seconds - 2 * SIGN : seconds
  const fraction = tvUsec >= 0 && tvUsec < 1e9 ? BigInt(tvUsec) : 0n
  return BigInt(signed) * 1000000000n + (fraction < 1000000n ? fraction * 1000n : fraction)
}

function text (bytes) {
  const found = bytes.toString('utf8')
  return Buffer.from(found).equals(bytes) ? { text: found } : { base64: bytes.toString('base64') }
}

const about = {
  implementation: { name: 'kaitai-javascript', version: '0.11', language: 'JavaScript' },
  tasks: ['decode'],
  features: ['dump', 'dari-core', 'big-endian', 'run-coded-holes', 'acl', 'xattr', 'streams',
    'incremental'],
  fields: ['inode', 'mode', 'uid', 'gid', 'nlink', 'size', 'atime', 'mtime', 'ctime', 'birthtime',
    'rdev', 'target', 'extents', 'data_sha256', 'sha256']
}

function command ([task, image]) {
  if (task !== 'decode') {
    console.error(`no task ${task}`)
    return 3
  }
  try {
    process.stdout.write(JSON.stringify(decode(image)))
    return 0
  } catch (error) {
    if (!(error instanceof Rejected || error instanceof Unsupported)) throw error
    console.error(error.message)
    return error instanceof Rejected ? 1 : 3
  }
}

function answer ({ seq, task, arguments: { image } }) {
  if (task !== 'decode') return { seq, unsupported: { message: `no task ${task}` } }
  try {
    return { seq, results: { accepted: true, inventory: decode(image) } }
  } catch (error) {
    const { message } = error
    if (error instanceof Rejected) return { seq, results: { accepted: false, message } }
    if (error instanceof Unsupported) return { seq, unsupported: { message } }
    throw error
  }
}

async function session () {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line)
    if (asked.cmd === 'stop') return
    const reply = asked.cmd === 'start' ? { protocol: 1, ...about } : answer(asked)
    process.stdout.write(JSON.stringify(reply) + '\n')
  }
}

// An exception that nobody expects is a crash, not a refusal.
process.on('uncaughtException', error => {
  console.error(error)
  process.exit(134)
})
const words = process.argv.slice(2)
if (words[0] === '--session') session()
else process.exitCode = command(words)
