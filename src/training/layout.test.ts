import { describe, expect, test } from 'vitest';
import { layoutOf } from './layout.ts';

const place = { keys: [['user_id'], ['user_id']], columns: ['user_id', 'label', 'at'] };
const pairs = { keys: [['user_id'], ['user_id', 'shop_id']], columns: ['user_id', 'shop_id', 'at'] };

describe('the layout of a training set', () => {
  test('is one Parquet file when nothing is asked', () => {
    expect(layoutOf({}, place)).toEqual({ format: 'parquet', rowsPerFile: null, split: null });
  });

  test('is split by time, or by the keys that all views share', () => {
    expect(layoutOf({ split: 'time:80/10/10' }, place).split).toEqual({ kind: 'time', shares: [80, 10, 10] });
    expect(layoutOf({ split: 'entity:75/25' }, place).split).toEqual({
      kind: 'entity',
      shares: [75, 25],
      columns: ['user_id'],
    });
  });

  test('does not mind views without keys, unless there are no others', () => {
    const mixed = { ...place, keys: [[], ['user_id'], []] };
    expect(layoutOf({ split: 'entity:80/20' }, mixed).split).toMatchObject({ columns: ['user_id'] });
    expect(() => layoutOf({ split: 'entity:80/20' }, { ...place, keys: [[]] })).toThrow(
      'no view that is read has keys; name the columns',
    );
  });

  test('asks which columns keep an entity together when views have different keys', () => {
    expect(() => layoutOf({ split: 'entity:80/20' }, pairs)).toThrow(
      'the views have different keys ("user_id", "shop_id"); name the columns that may not be in two parts, as entity=user_id:80/20',
    );
    expect(layoutOf({ split: 'entity=shop_id:80/20' }, pairs).split).toMatchObject({ columns: ['shop_id'] });
  });

  test.each([
    ['80/10/10', 'allowed are time:80/10/10'],
    ['time=at:80/20', 'allowed are'],
    ['time:80/10/20', 'add up to 100'],
    ['time:100', 'two (train/test) or three'],
    ['time:0/100', 'at least 1'],
    ['entity:25/25/25/25', 'two (train/test) or three'],
    ['entity=nobody:80/20', 'the entity rows have no column "nobody"'],
  ])('refuses to split by %s', (split, reason) => {
    expect(() => layoutOf({ split }, place)).toThrow(reason);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses %s rows per file', (rowsPerFile) => {
    expect(() => layoutOf({ rowsPerFile }, place)).toThrow('a whole number of at least 1');
  });
});
