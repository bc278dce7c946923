// Generated from ksy/extension.ksy by `make generate`. Do not edit.

(function (root, factory) {
  if (typeof define === 'function' && define.amd) {
    define(['exports', '../../stream'], factory);
  } else if (typeof exports === 'object' && exports !== null && typeof exports.nodeType !== 'number') {
    factory(exports, require('../../stream'));
  } else {
    factory(root.Extension || (root.Extension = {}), root.KaitaiStream);
  }
})(typeof self !== 'undefined' ? self : this, function (Extension_, KaitaiStream) {
/**
 * Bytes 928 to 1023 of every header record. Old readers keep nothing there; a reader that knows
 * DARI finds the sixteen bytes below and a body by kind (DARI-EXT-001). Every body but that of a
 * volume header begins with the first four bytes of `image_uuid`, which lie at the same place there.
 */

var Extension = (function() {
  Extension.Compat = Object.freeze({
    NT_ACLS: 1,
    STREAMS: 2,
    XATTRS: 4,
    INCREMENTAL: 8,

    1: "NT_ACLS",
    2: "STREAMS",
    4: "XATTRS",
    8: "INCREMENTAL",
  });

  Extension.Incompat = Object.freeze({
    VOLUMES: 1,

    1: "VOLUMES",
  });

  Extension.InodeFlags = Object.freeze({
    INODE_SUBSTITUTED: 1,
    INODE_END_IS_HOLE: 4,

    1: "INODE_SUBSTITUTED",
    4: "INODE_END_IS_HOLE",
  });

  Extension.Kind = Object.freeze({
    VOLUME: 1,
    INODE: 2,
    SECTION: 3,
    END: 4,
    BITMAP: 5,

    1: "VOLUME",
    2: "INODE",
    3: "SECTION",
    4: "END",
    5: "BITMAP",
  });

  Extension.Section = Object.freeze({
    STREAM_DIRECTORIES: 1,
    NT_ACLS_FRONT: 2,
    OFFSET_MAP: 3,
    NT_ACLS_TRAILING: 4,

    1: "STREAM_DIRECTORIES",
    2: "NT_ACLS_FRONT",
    3: "OFFSET_MAP",
    4: "NT_ACLS_TRAILING",
  });

  Extension.Verdict = Object.freeze({
    UNVERIFIED: 0,
    GOOD: 1,
    BAD: 2,

    0: "UNVERIFIED",
    1: "GOOD",
    2: "BAD",
  });

  function Extension(_io, _parent, _root) {
    this._io = _io;
    this._parent = _parent;
    this._root = _root || this;

    this._read();
  }
  Extension.prototype._read = function() {
    this.magic = this._io.readBytes(4);
    this.kind = this._io.readU1();
    this.version = this._io.readU1();
    this.flags = this._io.readU2le();
    this.headerCrc32c = this._io.readU4le();
    this.recordsCrc32c = this._io.readU4le();
    switch (this.kind) {
    case 1:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new VolumeBody(_io__raw_body, this, this._root);
      break;
    case 2:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new InodeBody(_io__raw_body, this, this._root);
      break;
    case 3:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new SectionBody(_io__raw_body, this, this._root);
      break;
    case 4:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new EndBody(_io__raw_body, this, this._root);
      break;
    case 5:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new BitmapBody(_io__raw_body, this, this._root);
      break;
    default:
      this._raw_body = this._io.readBytes(80);
      var _io__raw_body = new KaitaiStream(this._raw_body);
      this.body = new RawBody(_io__raw_body, this, this._root);
      break;
    }
  }

  /**
   * Body in ts_clri and ts_bits (DARI-BMP-006).
   */

  var BitmapBody = Extension.BitmapBody = (function() {
    function BitmapBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    BitmapBody.prototype._read = function() {
      this.imageId = this._io.readBytes(4);
      this.highestInode = this._io.readU4le();
      this.bitsSet = this._io.readU8le();
      this.baseUuid = this._io.readBytes(16);
      this.reserved = this._io.readBytes(48);
    }

    /**
     * The first four bytes of image_uuid (DARI-EXT-008).
     */

    /**
     * Highest inode number set; 0 if none.
     */

    /**
     * Bits that are set.
     */

    /**
     * The image_uuid of the image that this one is relative to; zero in a full image (DARI-INC-008).
     */

    /**
     * Zero.
     */

    return BitmapBody;
  })();

  /**
   * Body in ts_end (DARI-END-001).
   */

  var EndBody = Extension.EndBody = (function() {
    function EndBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    EndBody.prototype._read = function() {
      this.imageId = this._io.readBytes(4);
      this.verdict = this._io.readU4le();
      this.filesWritten = this._io.readU8le();
      this.mismatches = this._io.readU8le();
      this.substituted = this._io.readU8le();
      this.offsetMapSha256 = this._io.readBytes(32);
      this.attributed = this._io.readU8le();
      this.reserved = this._io.readBytes(8);
    }

    /**
     * The first four bytes of image_uuid (DARI-EXT-008).
     */

    /**
     * Whether the offset map was found true while writing (DARI-END-003).
     */

    /**
     * Inodes in part 8.
     */

    /**
     * Inodes of part 8 not found at their place in the map.
     */

    /**
     * Inodes some of whose data could not be read and was replaced by zeros (DARI-FIL-014).
     */

    /**
     * SHA-256 of the offset map's payload.
     */

    /**
     * Inodes, directories among them, with extended attributes (DARI-END-008).
     */

    /**
     * Zero.
     */

    return EndBody;
  })();

  /**
   * Body in the ts_inode and ts_addr records of an inode.
   */

  var InodeBody = Extension.InodeBody = (function() {
    function InodeBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    InodeBody.prototype._read = function() {
      this.imageId = this._io.readBytes(4);
      this.baseInode = this._io.readU4le();
      this.runRecords = this._io.readU8le();
      this.firstBlock = this._io.readU8le();
      this.streamDirectory = this._io.readU4le();
      this.nlink = this._io.readU4le();
      this.atimeNs = this._io.readS8le();
      this.mtimeNs = this._io.readS8le();
      this.ctimeNs = this._io.readS8le();
      this.birthtimeNs = this._io.readS8le();
      this.sourceInode = this._io.readU8le();
      this.sourceDevice = this._io.readU4le();
      this.attributeRecords = this._io.readU4le();
    }

    /**
     * The first four bytes of image_uuid (DARI-EXT-008).
     */

    /**
     * The inode this stream or stream directory belongs to; 0 for none.
     */

    /**
     * Records of the inode's whole run, headers, data and attributes (DARI-FIL-006).
     */

    /**
     * Number within the file of the record c_addr[0] stands for (DARI-FIL-007).
     */

    /**
     * This inode's stream directory; 0 for none.
     */

    /**
     * Names of this inode in the image, not cut at 32767 (DARI-FIL-009).
     */

    /**
     * Last access, nanoseconds since 1970 (DARI-FIL-011).
     */

    /**
     * Last modification, likewise.
     */

    /**
     * Last change of the inode, likewise.
     */

    /**
     * Creation, likewise; 0 if unknown.
     */

    /**
     * Inode number in the source, as its st_ino; 0 if unknown (DARI-INC-004).
     */

    /**
     * Device the source had this inode on, its st_dev modulo 2^32; 0 if unknown (DARI-INC-004).
     */

    /**
     * Records of extended attributes that end the run, their header included (DARI-XAT-003).
     */

    return InodeBody;
  })();

  /**
   * Body of a kind this reader does not know.
   */

  var RawBody = Extension.RawBody = (function() {
    function RawBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    RawBody.prototype._read = function() {
      this.bytes = this._io.readBytes(80);
    }

    /**
     * Anything.
     */

    return RawBody;
  })();

  /**
   * Body in the records of a section (DARI-SCT-001).
   */

  var SectionBody = Extension.SectionBody = (function() {
    function SectionBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    SectionBody.prototype._read = function() {
      this.imageId = this._io.readBytes(4);
      this.section = this._io.readU4le();
      this.sectionVersion = this._io.readU4le();
      this.reserved1 = this._io.readU4le();
      this.payloadSize = this._io.readU8le();
      this.runRecords = this._io.readU8le();
      this.firstBlock = this._io.readU8le();
      this.reserved2 = this._io.readBytes(40);
    }

    /**
     * The first four bytes of image_uuid (DARI-EXT-008).
     */

    /**
     * Which section.
     */

    /**
     * Version of the payload's layout; 1.
     */

    /**
     * Zero.
     */

    /**
     * Bytes of payload; equal to di_size.
     */

    /**
     * Records of the section, headers and data.
     */

    /**
     * Number within the payload of the record c_addr[0] stands for.
     */

    /**
     * Zero.
     */

    return SectionBody;
  })();

  /**
   * Body in ts_tape. A record number of 0 says that the part is not in the image.
   */

  var VolumeBody = Extension.VolumeBody = (function() {
    function VolumeBody(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    VolumeBody.prototype._read = function() {
      this.imageUuid = this._io.readBytes(16);
      this.recordsPerVolume = this._io.readU8le();
      this.totalRecords = this._io.readU8le();
      this.streamDirectories = this._io.readU8le();
      this.ntAclsFront = this._io.readU8le();
      this.offsetMap = this._io.readU8le();
      this.files = this._io.readU8le();
      this.ntAclsTrailing = this._io.readU8le();
      this.featureCompat = this._io.readU2le();
      this.featureIncompat = this._io.readU2le();
      this.cDateEpoch = this._io.readS2le();
      this.cDdateEpoch = this._io.readS2le();
    }

    /**
     * Identity of the image, RFC 9562 byte order, equal on all volumes (DARI-VOL-003).
     */

    /**
     * Capacity of a volume in records; 0 for an image on one volume (DARI-VOL-006).
     */

    /**
     * Records of the image on all volumes, padding included (DARI-VOL-007).
     */

    /**
     * Record number of part 5.
     */

    /**
     * Record number of part 6.
     */

    /**
     * Record number of part 7.
     */

    /**
     * Record number of part 8.
     */

    /**
     * Record number of part 9.
     */

    /**
     * Features a reader may ignore (DARI-VOL-004).
     */

    /**
     * Features a reader must know or refuse the image (DARI-VOL-005).
     */

    /**
     * Bits 32 to 47 of the 64-bit c_date, signed (DARI-VOL-009).
     */

    /**
     * Bits 32 to 47 of the 64-bit c_ddate, signed (DARI-VOL-009).
     */

    return VolumeBody;
  })();

  /**
   * The bytes `DARI`, in both byte orders (DARI-EXT-002).
   */

  /**
   * What the body holds (DARI-EXT-003).
   */

  /**
   * Version of the extension area; 1 (DARI-EXT-004).
   */

  /**
   * Flags of the kind; undefined ones are 0 (DARI-EXT-005).
   */

  /**
   * CRC-32C of this record, c_checksum and this field taken as zero (DARI-REC-028).
   */

  /**
   * CRC-32C of the records that follow under this header; 0 if there are none (DARI-REC-029).
   */

  /**
   * By kind.
   */

  return Extension;
})();
Extension_.Extension = Extension;
});
