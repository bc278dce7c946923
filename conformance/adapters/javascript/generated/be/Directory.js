// Generated from ksy/directory.ksy by `make generate`. Do not edit.

(function (root, factory) {
  if (typeof define === 'function' && define.amd) {
    define(['exports', '../../stream'], factory);
  } else if (typeof exports === 'object' && exports !== null && typeof exports.nodeType !== 'number') {
    factory(exports, require('../../stream'));
  } else {
    factory(root.Directory || (root.Directory = {}), root.KaitaiStream);
  }
})(typeof self !== 'undefined' ? self : this, function (Directory_, KaitaiStream) {
/**
 * Entries one after another to the end of di_size; in an image none crosses a 512-byte chunk (DARI-DIR-004).
 */

var Directory = (function() {
  function Directory(_io, _parent, _root) {
    this._io = _io;
    this._parent = _parent;
    this._root = _root || this;

    this._read();
  }
  Directory.prototype._read = function() {
    this.entries = [];
    var i = 0;
    while (!this._io.isEof()) {
      this.entries.push(new Entry(this._io, this, this._root));
      i++;
    }
  }

  /**
   * One 4.4BSD directory entry.
   */

  var Entry = Directory.Entry = (function() {
    function Entry(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    Entry.prototype._read = function() {
      this.head = new EntryHead(this._io, this, this._root);
      this.dName = this._io.readBytes(this.head.dNamlen);
      this.pad = this._io.readBytes((this.head.dReclen - 8) - this.head.dNamlen);
    }

    /**
     * The fixed part.
     */

    /**
     * The name; any bytes but `/` and NUL (DARI-DIR-007).
     */

    /**
     * A NUL and zeros up to d_reclen.
     */

    return Entry;
  })();

  /**
   * The fixed part of an entry.
   */

  var EntryHead = Directory.EntryHead = (function() {
    function EntryHead(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    EntryHead.prototype._read = function() {
      this.dIno = this._io.readU4be();
      this.dReclen = this._io.readU2be();
      this.dType = this._io.readU1();
      this.dNamlen = this._io.readU1();
    }

    /**
     * Inode number; 0 marks an unused entry (DARI-DIR-006).
     */

    /**
     * Bytes of this entry, a multiple of 4 (DARI-DIR-005).
     */

    /**
     * File type as DT_*: st_mode shifted right by 12; 0 unknown.
     */

    /**
     * Bytes of the name, without the NUL.
     */

    return EntryHead;
  })();

  /**
   * One directory entry of 4.2BSD, with 16 bits for the length of its name.
   */

  var OldEntry = Directory.OldEntry = (function() {
    function OldEntry(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    OldEntry.prototype._read = function() {
      this.head = new OldEntryHead(this._io, this, this._root);
      this.dName = this._io.readBytes(this.head.dNamlen);
      this.pad = this._io.readBytes((this.head.dReclen - 8) - this.head.dNamlen);
    }

    /**
     * The fixed part.
     */

    /**
     * The name; any bytes but `/` and NUL (DARI-DIR-007).
     */

    /**
     * A NUL and zeros up to d_reclen.
     */

    return OldEntry;
  })();

  /**
   * The fixed part of an entry in a dump without dr_newinodefmt (DARI-REC-026).
   */

  var OldEntryHead = Directory.OldEntryHead = (function() {
    function OldEntryHead(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    OldEntryHead.prototype._read = function() {
      this.dIno = this._io.readU4be();
      this.dReclen = this._io.readU2be();
      this.dNamlen = this._io.readU2be();
    }

    /**
     * Inode number; 0 marks an unused entry (DARI-DIR-006).
     */

    /**
     * Bytes of this entry, a multiple of 4.
     */

    /**
     * Bytes of the name, without the NUL.
     */

    return OldEntryHead;
  })();

  /**
   * The entries.
   */

  return Directory;
})();
Directory_.Directory = Directory;
});
