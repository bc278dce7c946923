// Compiles ksy/ into the codecs of reference/darimage/schema: Construct and Kaitai Python, each in
// both byte orders. The compiler cannot switch endianness for Construct and writes no package
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
