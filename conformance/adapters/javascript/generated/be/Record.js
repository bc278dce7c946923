// Generated from ksy/record.ksy by `make generate`. Do not edit.

(function (root, factory) {
  if (typeof define === 'function' && define.amd) {
    define(['exports', '../../stream', './Extension'], factory);
  } else if (typeof exports === 'object' && exports !== null && typeof exports.nodeType !== 'number') {
    factory(exports, require('../../stream'), require('./Extension'));
  } else {
    factory(root.Record || (root.Record = {}), root.KaitaiStream, root.Extension || (root.Extension = {}));
  }
})(typeof self !== 'undefined' ? self : this, function (Record_, KaitaiStream, Extension_) {
/**
 * One header record, 1,024 bytes: the old `s_spcl` with the DARI extension area in its last 96
 * bytes. Every part of an image opens with one (DARI-REC-001).
 */

var Record = (function() {
  Record.CType = Object.freeze({
    TS_TAPE: 1,
    TS_INODE: 2,
    TS_BITS: 3,
    TS_ADDR: 4,
    TS_END: 5,
    TS_CLRI: 6,

    1: "TS_TAPE",
    2: "TS_INODE",
    3: "TS_BITS",
    4: "TS_ADDR",
    5: "TS_END",
    6: "TS_CLRI",
  });

  Record.Extattributes = Object.freeze({
    EXT_REGULAR: 0,
    EXT_MACOSFNDRINFO: 1,
    EXT_MACOSRESFORK: 2,
    EXT_XATTR: 3,

    0: "EXT_REGULAR",
    1: "EXT_MACOSFNDRINFO",
    2: "EXT_MACOSRESFORK",
    3: "EXT_XATTR",
  });

  Record.Flags = Object.freeze({
    DR_NEWHEADER: 1,
    DR_NEWINODEFMT: 2,
    DR_COMPRESSED: 128,
    DR_METAONLY: 256,
    DR_EXTATTRIBUTES: 32768,

    1: "DR_NEWHEADER",
    2: "DR_NEWINODEFMT",
    128: "DR_COMPRESSED",
    256: "DR_METAONLY",
    32768: "DR_EXTATTRIBUTES",
  });

  Record.Magic = Object.freeze({
    OFS: 60011,
    NFS: 60012,
    UFS2: 424935705,

    60011: "OFS",
    60012: "NFS",
    424935705: "UFS2",
  });

  function Record(_io, _parent, _root) {
    this._io = _io;
    this._parent = _parent;
    this._root = _root || this;

    this._read();
  }
  Record.prototype._read = function() {
    this.cType = this._io.readS4be();
    this.cDate = this._io.readU4be();
    this.cDdate = this._io.readU4be();
    this.cVolume = this._io.readS4be();
    this.cTapea = this._io.readU4be();
    this.cInumber = this._io.readU4be();
    this.cMagic = this._io.readU4be();
    this.cChecksum = this._io.readU4be();
    this.cDinode = new Dinode(this._io, this, this._root);
    this.cCount = this._io.readS4be();
    this.cAddr = this._io.readBytes(512);
    this.cLabel = this._io.readBytes(16);
    this.cLevel = this._io.readS4be();
    this.cFilesys = this._io.readBytes(64);
    this.cDev = this._io.readBytes(64);
    this.cHost = this._io.readBytes(64);
    this.cFlags = this._io.readU4be();
    this.cFirstrec = this._io.readU4be();
    this.cNtrec = this._io.readS4be();
    this.cExtattributes = this._io.readS4be();
    this.cSpare = this._io.readBytes(24);
    this.extension = new Extension_.Extension(this._io, null, null);
  }

  /**
   * The old 128-byte inode.
   */

  var Dinode = Record.Dinode = (function() {
    function Dinode(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    Dinode.prototype._read = function() {
      this.diMode = this._io.readU2be();
      this.diNlink = this._io.readS2be();
      this.diOuid = this._io.readU2be();
      this.diOgid = this._io.readU2be();
      this.diSize = this._io.readU8be();
      this.diAtime = new Timeval(this._io, this, this._root);
      this.diMtime = new Timeval(this._io, this, this._root);
      this.diCtime = new Timeval(this._io, this, this._root);
      this.diDb = [];
      for (var i = 0; i < 12; i++) {
        this.diDb.push(this._io.readU4be());
      }
      this.diIb = [];
      for (var i = 0; i < 3; i++) {
        this.diIb.push(this._io.readU4be());
      }
      this.diFlags = this._io.readU4be();
      this.diBlocks = this._io.readU4be();
      this.diGen = this._io.readU4be();
      this.diUid = this._io.readU4be();
      this.diGid = this._io.readU4be();
      this.diSpare = [];
      for (var i = 0; i < 2; i++) {
        this.diSpare.push(this._io.readU4be());
      }
    }

    /**
     * File type and permissions, as st_mode.
     */

    /**
     * Names of this inode in the image, at most 32767; 0 in a section or stream file (DARI-FIL-009).
     */

    /**
     * Low 16 bits of the owner (old readers).
     */

    /**
     * Low 16 bits of the group (old readers).
     */

    /**
     * Size in bytes.
     */

    /**
     * Last access.
     */

    /**
     * Last modification.
     */

    /**
     * Last change of the inode.
     */

    /**
     * di_rdev is di_db[0], the device number of a device (DARI-FIL-012); the rest 0.
     */

    /**
     * Zero.
     */

    /**
     * Inode flags of a regular file or directory, as FS_IOC_GETFLAGS (DARI-FIL-016).
     */

    /**
     * Zero; others put the blocks held here.
     */

    /**
     * Zero; others put the generation number here.
     */

    /**
     * Owner.
     */

    /**
     * Group.
     */

    /**
     * Zero.
     */

    return Dinode;
  })();

  /**
   * A time in the old form.
   */

  var Timeval = Record.Timeval = (function() {
    function Timeval(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    Timeval.prototype._read = function() {
      this.tvSec = this._io.readU4be();
      this.tvUsec = this._io.readS4be();
    }

    /**
     * Seconds since 1970, the low 32 bits (DARI-FIL-011).
     */

    /**
     * Microseconds, 0 to 999999; BSD systems write and read nanoseconds (DARI-FIL-024).
     */

    return Timeval;
  })();

  /**
   * What this header opens (DARI-REC-005).
   */

  /**
   * Time of the dump, seconds since 1970; equal in every header of an image (DARI-REC-007).
   */

  /**
   * Time of the dump this one is relative to; 0 in a full dump (DARI-REC-008).
   */

  /**
   * Volume number, from 1 (DARI-REC-009).
   */

  /**
   * This header's own record number modulo 2^32 (DARI-REC-006).
   */

  /**
   * Inode number; 0 where the record has none (DARI-REC-010).
   */

  /**
   * 60012 (DARI-REC-003).
   */

  /**
   * Makes the 256 words of the record sum to 84446 modulo 2^32; computed last (DARI-REC-004).
   */

  /**
   * The inode; zero where the record has none.
   */

  /**
   * Entries used in c_addr; records of a bitmap (DARI-REC-011).
   */

  /**
   * One byte a record; 1 the record follows, 0 it is a hole; all zero in a bitmap's header (DARI-REC-012).
   */

  /**
   * Label of the dump, NUL padded.
   */

  /**
   * Dump level, 0 to 9; 0 is full.
   */

  /**
   * Path the dump was made of, NUL padded, cut at 63 bytes.
   */

  /**
   * Device the dump was made of, NUL padded.
   */

  /**
   * Host the dump was made on, NUL padded.
   */

  /**
   * DR flags (DARI-REC-013).
   */

  /**
   * Record number of this volume's first record modulo 2^32.
   */

  /**
   * Blocking factor, records a tape block (DARI-REC-014).
   */

  /**
   * Kind of extended attributes that follow (with DR flag extattributes); else 0.
   */

  /**
   * Zero. NetBSD and OpenBSD read dates here (DARI-REC-015).
   */

  /**
   * The extension area; all zero in a plain dump (DARI-EXT-001).
   */

  return Record;
})();
Record_.Record = Record;
});
