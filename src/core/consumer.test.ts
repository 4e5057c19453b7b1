import { expect, test } from 'vitest';
import { type Consumer, consumersText, consumerText, isTrainingSet } from './consumer.ts';

test('a consumer is told by its kind and name, a training set by as much of its id as commands need', () => {
  expect(consumerText({ kind: 'feature_service', name: 'churn' })).toBe('feature service churn');
  const set = { kind: 'training_set', name: 'f00d'.repeat(16) } as const;
  expect(consumerText(set)).toBe('training set f00df00df00df00d');
  expect([isTrainingSet(set), isTrainingSet({ ...set, kind: 'feature_service' })]).toEqual([true, false]);
});

test('of many consumers a few are told, services first', () => {
  const sets = Array.from({ length: 7 }, (_, n): Consumer => ({ kind: 'training_set', name: `set${n}` }));
  const told = consumersText([...sets, { kind: 'feature_service', name: 'churn' }], 3);
  expect(told).toEqual(['feature service churn', 'training set set0', 'training set set1', '5 more']);
  expect(consumersText(sets, 7)).toHaveLength(7);
});
