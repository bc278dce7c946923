// What generated parsers read from. Integers of 64 bits are BigInt: a Number holds only 53.
'use strict'

class KaitaiStream {
  constructor (bytes) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pos = 0
  }

  get size () {
    return this.bytes.byteLength
  }

  isEof () {
    return this.pos >= this.size
  }

  readBytes (count) {
    const length = Number(count)
    if (!(length >= 0 && length <= this.size - this.pos)) {
      throw new RangeError(`${length} bytes are wanted, ${this.size - this.pos} are left`)
    }
    this.pos += length
    return this.bytes.subarray(this.pos - length, this.pos)
  }

  readBytesFull () {
    return this.readBytes(this.size - this.pos)
  }

  take (length, read) {
    this.readBytes(length)
    return read(this.pos - length)
  }
}

const methods = {
  U1: ['getUint8', 1], S1: ['getInt8', 1],
  U2: ['getUint16', 2], S2: ['getInt16', 2],
  U4: ['getUint32', 4], S4: ['getInt32', 4],
  U8: ['getBigUint64', 8], S8: ['getBigInt64', 8]
}
for (const [name, [method, length]] of Object.entries(methods)) {
  const orders = length === 1 ? [['', true]] : [['le', true], ['be', false]]
  for (const [order, little] of orders) {
    KaitaiStream.prototype[`read${name}${order}`] = function () {
      return this.take(length, at => this.view[method](at, little))
    }
  }
}

module.exports = KaitaiStream
