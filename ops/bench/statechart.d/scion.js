// The same runs on SCION: node scion.js CHART EVENTS, the chart of this folder in ECMAScript.
'use strict'
const fs = require('fs')
const path = require('path')
const { createRequire } = require('module')
const scxml = createRequire(path.join(process.cwd(), 'peers.js'))('@scion-scxml/scxml')

const names = ['tick', 'step', 'answer', 'note']
const counters = ['visits', 'answers', 'weight', 'warned', 'missed', 'offers', 'done', 'left', 'score', 'resets', 'notes']

function runEvents(machine, count) {
  for (let i = 0; i < count; i++) {
    const event = { name: names[i % 4] }
    if (i % 4 === 2) event.data = { weight: Math.floor(i / 4) % 4 }
    machine.gen(event)
  }
}

const [, , chart, events] = process.argv
scxml.documentStringToModel(chart, fs.readFileSync(chart, 'utf8'), (error, model) => {
  if (error) throw error
  model.prepare((error, prepared) => {
    if (error) throw error
    const machine = new scxml.core.Statechart(prepared)
    machine.start()
    const count = Number(events)
    runEvents(machine, count / 10)
    const cpu = process.cpuUsage()
    const before = process.hrtime.bigint()
    runEvents(machine, count)
    const seconds = Number(process.hrtime.bigint() - before) / 1e9
    const used = process.cpuUsage(cpu)
    const data = machine.getSnapshot()[3]
    const values = Object.fromEntries(counters.map((name) => [name, data[name]]))
    console.log(JSON.stringify({ events: count, seconds, cpu: (used.user + used.system) / 1e6, counters: values }))
  })
})
