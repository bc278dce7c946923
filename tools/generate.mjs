// Compiles ksy/ into the codecs of reference/darimage/schema: Construct and Kaitai Python, each in
// both byte orders; and into JavaScript for the adapter in conformance/adapters/javascript. The compiler cannot switch endianness for Construct and writes no package
// imports, so each order is compiled on its own and the import lines are put right here.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'

const require = createRequire(path.join(process.cwd(), 'node_modules/'))
const compiler = require('kaitai-struct-compiler')
const yaml = require('js-yaml')

const [ksyDir, schemaDir] = process.argv.slice(2)
const layouts = fs.readdirSync(ksyDir).filter(f => f.endsWith('.ksy')).map(f => f.slice(0, -4)).sort()
const load = (name, order) => {
  const spec = yaml.load(fs.readFileSync(path.join(ksyDir, `${name}.ksy`), 'utf8'))
  spec.meta.endian = order
  return spec
}
const mark = name => `# Generated from ksy/${name}.ksy by \`make generate\`. Do not edit.\n`
const pyIdent = /^[A-Za-z_]\w*$/

function construct(name, text, imports) {
  const lines = imports.map(i => {
    if (!pyIdent.test(i)) throw new Error(`import ${i} is not a name`)
    return `from .${i} import ${i}`
  })
  return text.replace('from construct.lib import *\n',
    ['from construct.lib import *', ...lines, ''].join('\n'))
}

function kaitai(text) {
  return text.replace(/^# This is a generated file!.*\n/, '')
    .replace(/^import (?!kaitaistruct$)(\w+)$/gm, 'from . import $1')
}

for (const order of ['le', 'be']) {
  for (const [target, patch] of [['construct', construct], ['python', kaitai]]) {
    const dir = path.join(schemaDir, `${target === 'python' ? 'kaitai' : target}_${order}`)
    fs.mkdirSync(dir, { recursive: true })
    fs.writeFileSync(path.join(dir, '__init__.py'),
      `"""Generated ${order === 'le' ? 'little' : 'big'}-endian codecs; see ksy/."""\n`)
    for (const name of layouts) {
      const spec = load(name, order)
      const importer = { importYaml: n => Promise.resolve(load(n, order)) }
      const out = await compiler.compile(target, spec, importer, false)
      const text = out[`${name}.py`]
      const patched = target === 'construct'
        ? construct(name, text, spec.meta.imports ?? []) : kaitai(text)
      fs.writeFileSync(path.join(dir, `${name}.py`), mark(name) + patched)
    }
  }
}

// What the JavaScript adapter reads. Its own stream takes the place of Kaitai's, whose integers of
// 64 bits are not exact.
const forJavaScript = ['directory', 'extension', 'offset_map', 'record']
const scripts = path.join(ksyDir, '..', 'conformance', 'adapters', 'javascript', 'generated')
for (const order of ['le', 'be']) {
  const dir = path.join(scripts, order)
  fs.mkdirSync(dir, { recursive: true })
  for (const name of forJavaScript) {
    const importer = { importYaml: n => Promise.resolve(load(n, order)) }
    const out = await compiler.compile('javascript', load(name, order), importer, false)
    const file = `${name.replace(/(^|_)(\w)/g, (_, __, letter) => letter.toUpperCase())}.js`
    const text = out[file].replace(/^\/\/ This is a generated file!.*\n/, '')
      .replaceAll("'kaitai-struct/KaitaiStream'", "'../../stream'")
    fs.writeFileSync(path.join(dir, file), mark(name).replace('#', '//') + text)
  }
}

// The enumerations once more, as typed Python: the codecs' own have no static types.
function enumerations () {
  const classes = []
  const bases = new Set()
  for (const name of layouts) {
    const spec = load(name, 'le')
    for (const [id, about] of Object.entries(spec['-python-enums'] ?? {})) {
      const base = about.flags ? 'IntFlag' : 'IntEnum'
      bases.add(base)
      const members = Object.entries(spec.enums[id]).map(([value, member]) => {
        const number = about.flags ? `0x${Number(value).toString(16).toUpperCase()}` : value
        return `    ${member.id.toUpperCase()} = ${number}`
      })
      classes.push(`class ${about.class}(${base}):\n    """${about.doc}"""\n\n${members.join('\n')}\n`)
    }
  }
  return '# Generated from ksy/ by `make generate`. Do not edit.\n' +
    '"""The named numbers of an image."""\n\nfrom __future__ import annotations\n\n' +
    `from enum import ${[...bases].sort().join(', ')}\n\n\n${classes.join('\n\n')}`
}
fs.writeFileSync(path.join(schemaDir, 'constants.py'), enumerations())
