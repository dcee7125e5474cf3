import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createUnreadBudget, type UnreadAccount } from '../../../../node/network/bounds/unread-budget.ts'

function createScene(maxBytes: number) {
  const cut: string[] = []
  const accounts = new Map<string, UnreadAccount[]>()
  const budget = createUnreadBudget(
    {
      cutOff: (peer) => {
        cut.push(peer)
        for (const account of accounts.get(peer) ?? []) account.close()
      },
    },
    maxBytes,
  )
  const open = (peer: string): UnreadAccount => {
    const account = budget.open(peer)
    accounts.set(peer, [...(accounts.get(peer) ?? []), account])
    return account
  }
  return { cut, open }
}

describe('the budget of unread bytes', () => {
  it('cuts off the peer that holds most over all its channels, not the one that asked last', () => {
    const { cut, open } = createScene(100)
    const heavy = [open('heavy'), open('heavy'), open('heavy')]
    for (const account of heavy) account.add(25)
    const light = open('light')
    light.add(25)
    assert.deepEqual(cut, [])
    light.add(1)
    assert.deepEqual(cut, ['heavy'])
    light.add(74)
    assert.deepEqual(cut, ['heavy'])
    light.add(1)
    assert.deepEqual(cut, ['heavy', 'light'])
  })

  it('counts what was read as gone, and a closed channel as empty', () => {
    const { cut, open } = createScene(10)
    const account = open('a')
    for (let round = 0; round < 5; round += 1) {
      account.add(10)
      account.add(-10)
    }
    account.add(9)
    account.close()
    account.close()
    account.add(100)
    open('a').add(10)
    assert.deepEqual(cut, [])
  })
})
