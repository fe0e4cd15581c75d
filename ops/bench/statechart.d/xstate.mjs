// The same runs on XState: node xstate.mjs EVENTS. chart.scxml in the words of XState, element by element.
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const peers = createRequire(path.join(process.cwd(), 'peers.js'))
const { setup, assign, createActor, stateIn } = await import(pathToFileURL(peers.resolve('xstate')).href)

const add = (name) => assign({ [name]: ({ context }) => context[name] + 1 })

const machine = setup({}).createMachine({
  id: 'bench',
  context: {
    visits: 0, answers: 0, weight: 0, warned: 0, missed: 0, offers: 0, done: 0, left: 0, score: 0, resets: 0, notes: 0,
  },
  type: 'parallel',
  on: { note: { actions: add('notes') } },
  states: {
    stage: {
      initial: 'intake',
      states: {
        intake: {
          entry: add('visits'),
          on: { step: [{ guard: ({ context }) => context.visits % 3 === 0, target: 'review' }, { target: 'visit' }] },
        },
        visit: { exit: add('left'), on: { step: 'intake' } },
        review: {
          initial: 'open',
          on: { step: { guard: ({ context }) => context.answers > 100000000, target: 'visit' } },
          states: {
            open: {
              on: {
                answer: {
                  guard: ({ event }) => event.data.weight > 1,
                  target: 'judged',
                  actions: assign({ weight: ({ context, event }) => context.weight + event.data.weight }),
                },
              },
            },
            judged: { entry: add('answers'), on: { step: '#bench.stage.intake' } },
          },
        },
      },
    },
    term: {
      initial: 'running',
      states: {
        running: {
          on: {
            tick: [
              { guard: ({ context }) => (context.visits + context.warned) % 2 === 0, target: 'late' },
              { target: 'soon' },
            ],
          },
        },
        soon: { entry: add('warned'), on: { tick: 'running' } },
        late: { entry: add('missed'), on: { step: 'running' } },
      },
    },
    task: {
      initial: 'idle',
      states: {
        idle: { on: { tick: { target: 'offered', actions: add('offers') } } },
        offered: {
          on: { answer: [{ guard: ({ event }) => event.data.weight === 0, target: 'idle' }, { target: 'accepted' }] },
        },
        accepted: { on: { step: [{ guard: stateIn({ term: 'late' }), target: 'idle' }, { target: 'finished' }] } },
        finished: { entry: add('done'), on: { tick: 'idle' } },
      },
    },
    account: {
      initial: 'low',
      on: { tick: { actions: add('score') } },
      states: {
        low: { always: { guard: ({ context }) => context.score > 4, target: 'high' } },
        high: { entry: add('resets'), on: { step: { target: 'low', actions: assign({ score: 0 }) } } },
      },
    },
  },
})

const events = ['tick', 'step', 'answer', 'note']
function runEvents(actor, count) {
  for (let i = 0; i < count; i++) {
    actor.send(i % 4 === 2 ? { type: 'answer', data: { weight: Math.floor(i / 4) % 4 } } : { type: events[i % 4] })
  }
}

const actor = createActor(machine)
actor.start()
const count = Number(process.argv[2])
runEvents(actor, count / 10)
const cpu = process.cpuUsage()
const before = process.hrtime.bigint()
runEvents(actor, count)
const seconds = Number(process.hrtime.bigint() - before) / 1e9
const used = process.cpuUsage(cpu)
const counters = actor.getSnapshot().context
console.log(JSON.stringify({ events: count, seconds, cpu: (used.user + used.system) / 1e6, counters }))
