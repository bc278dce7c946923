// Generated from ksy/offset_map.ksy by `make generate`. Do not edit.

(function (root, factory) {
  if (typeof define === 'function' && define.amd) {
    define(['exports', '../../stream'], factory);
  } else if (typeof exports === 'object' && exports !== null && typeof exports.nodeType !== 'number') {
    factory(exports, require('../../stream'));
  } else {
    factory(root.OffsetMap || (root.OffsetMap = {}), root.KaitaiStream);
  }
})(typeof self !== 'undefined' ? self : this, function (OffsetMap_, KaitaiStream) {
/**
 * One element for each inode number from 0 to the highest in bitmap I (DARI-OFF-001).
 */

var OffsetMap = (function() {
  function OffsetMap(_io, _parent, _root) {
    this._io = _io;
    this._parent = _parent;
    this._root = _root || this;

    this._read();
  }
  OffsetMap.prototype._read = function() {
    this.elements = [];
    var i = 0;
    while (!this._io.isEof()) {
      this.elements.push(new Element(this._io, this, this._root));
      i++;
    }
  }

  /**
   * Where one inode lies.
   */

  var Element = OffsetMap.Element = (function() {
    function Element(_io, _parent, _root) {
      this._io = _io;
      this._parent = _parent;
      this._root = _root;

      this._read();
    }
    Element.prototype._read = function() {
      this.offset = this._io.readU8le();
    }

    /**
     * Byte address of the inode's ts_inode header; 0 for none (DARI-OFF-002).
     */

    return Element;
  })();

  /**
   * Element i is inode i.
   */

  return OffsetMap;
})();
OffsetMap_.OffsetMap = OffsetMap;
});
