// Reads an image from its first record to its last (chapters 10, 50, 60 and 80 of the
// specification), on the parsers that Kaitai generates. What is damaged is refused.
'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const KaitaiStream = require('./stream')

const RECORD = 1024
const SUM = 84446
const MAGIC = 60012
const TAPE = 1; const INODE = 2; const BITS = 3; const ADDR = 4; const END = 5; const CLRI = 6
const NEW_INODES = 0x2; const COMPRESSED = 0x80; const META_ONLY = 0x100; const ATTRIBUTES = 0x8000
const END_IS_HOLE = 4
const KIND_VOLUME = 1; const KIND_INODE = 2; const KIND_SECTION = 3
const OFFSET_MAP = 3
const SECTIONS = 1
const DIRECTORY = 0o040000; const FILE = 0o100000
const WHOLE_MAX = 1n << 30n
const DATA_MAX = 1 << 26
const ZEROS = Buffer.alloc(1 << 20)

class Rejected extends Error {}
class Unsupported extends Error {}

const parsers = {}
for (const order of ['le', 'be']) {
  const parser = name => require(`./generated/${order}/${name}`)[name]
  parsers[order] = Object.fromEntries(
    ['Record', 'Directory', 'OffsetMap'].map(name => [name, parser(name)]))
}

class Walk {
  constructor (path) {
    this.file = fs.openSync(path, 'r')
    this.inodes = new Map()
    this.map = null
  }

  close () {
    fs.closeSync(this.file)
  }

  read (record, length = RECORD) {
    const data = Buffer.alloc(length)
    let done = 0
    while (done < length) {
      const got = fs.readSync(this.file, data, done, length - done, record * RECORD + done)
      if (!got) throw new Rejected(`the image ends before record ${record + length / RECORD - 1}`)
      done += got
    }
    return data
  }

  parse (name, bytes) {
    return new parsers[this.order][name](new KaitaiStream(bytes))
  }

  // The header at a record, null if there is no sound one.
  header (record) {
    const data = this.read(record)
    const view = new DataView(data.buffer, data.byteOffset, RECORD)
    let sum = 0
    for (let at = 0; at < RECORD; at += 4) sum = (sum + view.getUint32(at, this.little)) >>> 0
    if (view.getUint32(24, this.little) !== MAGIC || sum !== SUM) return null
    return this.parse('Record', data)
  }

  open () {
    const first = this.read(0)
    this.little = first.readUInt32LE(24) === MAGIC
    this.order = this.little ? 'le' : 'be'
    if (!this.little && first.readUInt32BE(24) !== MAGIC) throw new Rejected('no magic of a dump')
    const head = this.header(0)
    if (!head || head.cType !== TAPE) throw new Rejected('the first record is no sound ts_tape')
    if (head.cVolume !== 1) throw new Rejected('not the first volume')
    if (head.cFlags & COMPRESSED) throw new Rejected('compressed')
    const { extension } = head
    this.isDari = isDari(extension)
    if (this.isDari && extension.kind === KIND_VOLUME) {
      const unknown = extension.body.featureIncompat
      if (unknown === 1) throw new Unsupported('images on several volumes')
      if (unknown) throw new Rejected(`unknown features ${unknown}`)
    }
    if (!(head.cFlags & NEW_INODES)) throw new Unsupported('directories of the old format')
  }

  run () {
    this.open()
    let inode = null
    for (let record = 1; ;) {
      const at = record++
      const head = this.header(at)
      if (!head) throw new Rejected(`record ${at} should be a header`)
      if (head.cType === END) break
      if (head.cType === CLRI || head.cType === BITS) {
        record += Math.max(0, head.cCount)
      } else if (head.cType === INODE) {
        inode = this.begin(head, at)
        record = this.data(head, inode, record)
      } else if (head.cType === ADDR) {
        const isNext = inode !== null && inode.head.cInumber === head.cInumber
        record = this.data(head, isNext ? inode : null, record)
      } else if (head.cType !== TAPE) {
        throw new Rejected(`record ${at}: type ${head.cType}`)
      }
    }
    if (this.map) this.checkMap()
  }

  // The inode that a ts_inode begins; null if its records are of no use here.
  begin (head, at) {
    if (head.cFlags & ATTRIBUTES) return null
    const { extension } = head
    const extended = isDari(extension) ? extension : null
    if (this.isDari && head.cInumber === SECTIONS) {
      const { kind, body } = extension
      if (kind !== KIND_SECTION || body.section !== OFFSET_MAP) return null
      this.map = made(head, extended, at, body.payloadSize)
      return this.map
    }
    if (this.inodes.has(head.cInumber)) {
      throw new Rejected(`record ${at}: inode ${head.cInumber} once more`)
    }
    // Version 0 says nothing of what its fields mean (DARI-EXT-004).
    const isOurs = extended && extended.kind === KIND_INODE && extended.version > 0
    const inode = made(head, isOurs ? extended : null, at)
    this.inodes.set(head.cInumber, inode)
    return inode
  }

  // Take the records that follow a header; return the number of the next header.
  data (head, inode, record) {
    if (head.cFlags & META_ONLY && !this.isDari) return record
    if (head.cCount < 0 || head.cCount > 512) throw new Rejected(`a count of ${head.cCount}`)
    for (const [present, length] of this.runs(head.cAddr.subarray(0, head.cCount))) {
      const used = inode ? Math.min(length, inode.left) : 0
      if (inode) {
        this.take(inode, present ? record : null, used, endsInAHole(head))
        inode.block += used
        inode.left -= used
      }
      if (present) record += length
    }
    return record
  }

  // Stretches of a hole map: whether they are present, and their blocks.
  * runs (addresses) {
    for (let at = 0; at < addresses.length; at++) {
      const byte = addresses[at]
      if (this.isDari && byte > 1) throw new Rejected(`a hole map with the byte ${byte}`)
      let length = (byte >> 1) + 1
      if (byte >= 128) {
        if (++at === addresses.length) throw new Rejected('a run that is cut off')
        length = addresses[at] * 64 + (byte >> 1 & 63) + 65
      }
      yield [Boolean(byte & 1), length]
    }
  }

  // Take blocks of an inode; without a record they are a hole.
  // A last one of zeros may stand for a hole (DARI-FIL-021).
  take (inode, record, count, ends) {
    const last = blocksOf(inode.size) - 1
    if (ends && record !== null && inode.block + count === last + 1) {
      if (!this.read(record + last - inode.block).some(byte => byte)) count -= 1
    }
    if (count <= 0) return
    const isFile = inode.kind === FILE && inode !== this.map
    if (record !== null) extend(inode.extents, inode.block, count)
    for (let done = 0; done < count; done += 1024) {
      const wanted = Math.min(count - done, 1024) * RECORD
      if (record === null && (isFile || inode.gathered > DATA_MAX)) continue
      let data = record === null ? Buffer.alloc(wanted) : this.read(record + done, wanted)
      const place = BigInt(inode.block + done) * BigInt(RECORD)
      if (place + BigInt(wanted) > inode.size) data = data.subarray(0, Number(inode.size - place))
      if (isFile) {
        hash(inode, place, data)
      } else {
        inode.gathered += data.length
        if (inode.gathered > DATA_MAX) throw new Rejected('too much for a directory or a section')
        inode.data.push(data)
      }
    }
  }

  // Names and inodes of a directory but the dots.
  entries (inode) {
    const found = []
    for (const entry of this.parse('Directory', Buffer.concat(inode.data)).entries) {
      const name = Buffer.from(entry.dName)
      if (!entry.head.dIno || name.equals(Buffer.from('.')) || name.equals(Buffer.from('..'))) {
        continue
      }
      if (!name.length || name.includes(0) || name.includes(0x2f)) {
        throw new Rejected(`a name ${JSON.stringify(name.toString('latin1'))}`)
      }
      found.push([name, entry.head.dIno])
    }
    return found
  }

  // The offset map must say where the files were found (chapter 80).
  checkMap () {
    const { elements } = this.parse('OffsetMap', Buffer.concat(this.map.data))
    for (const [number, inode] of this.inodes) {
      const said = number < elements.length ? elements[number].offset : 0n
      const found = inode.kind === DIRECTORY ? 0n : BigInt(inode.record) * BigInt(RECORD)
      if (said !== found) throw new Rejected(`inode ${number} is at ${found}, the map says ${said}`)
    }
  }
}

function isDari (extension) {
  return Buffer.from(extension.magic).toString('latin1') === 'DARI'
}

function endsInAHole ({ extension }) {
  return isDari(extension) && extension.kind === KIND_INODE && (extension.flags & END_IS_HOLE) !== 0
}

function made (head, extended, record, size = head.cDinode.diSize) {
  return {
    head,
    record,
    size,
    extended: extended ? extended.body : null,
    kind: head.cDinode.diMode & 0o170000,
    left: head.cFlags & META_ONLY ? 0 : blocksOf(size),
    block: 0,
    gathered: 0,
    data: [],
    extents: [],
    present: crypto.createHash('sha256'),
    whole: crypto.createHash('sha256'),
    hashed: 0n
  }
}

// Exact up to 8 EiB; nothing that big can be there.
function blocksOf (size) {
  return Number((size + BigInt(RECORD) - 1n) / BigInt(RECORD))
}

function extend (extents, first, count) {
  const last = extents.at(-1)
  if (last && last[0] + last[1] === first) last[1] += count
  else extents.push([first, count])
}

function hash (inode, place, data) {
  inode.present.update(data)
  if (inode.size > WHOLE_MAX) return
  addZeros(inode, place)
  inode.whole.update(data)
  inode.hashed = place + BigInt(data.length)
}

function addZeros (inode, until) {
  while (inode.hashed < until) {
    const count = Math.min(Number(until - inode.hashed), ZEROS.length)
    inode.whole.update(ZEROS.subarray(0, count))
    inode.hashed += BigInt(count)
  }
}

module.exports = { Walk, isDari, Rejected, Unsupported, addZeros, DIRECTORY, WHOLE_MAX }
