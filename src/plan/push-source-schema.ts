import { z } from 'zod';
import { RECEIVED_TIME } from '../core/source.ts';
import * as field from './field-schemas.ts';

const COLUMNS = 'an object of types by column, at least one';

/** A push source's columns are all it has: nothing else tells which there are. */
export const pushSourceSchema = field
  .fields({
    name: field.name,
    columns: z
      .record(field.columnName, field.valueType, COLUMNS)
      .refine((columns) => Object.keys(columns).length > 0, COLUMNS),
    timestampField: field.columnName,
    createdTimestampField: field.columnName.optional(),
    ...field.metadata,
  })
  .superRefine(({ columns, timestampField, createdTimestampField }, ctx) => {
    // SQL does not tell names apart by their case.
    const taken = new Map([[RECEIVED_TIME, 'the time at which Tidemark received the row']]);
    const take = (name: string, path: readonly string[], what: string) => {
      const owner = taken.get(name.toLowerCase());
      if (owner === undefined) taken.set(name.toLowerCase(), what);
      else {
        const message = `!found "${name}", which is the name of ${owner}; allowed is another name`;
        ctx.addIssue({ code: 'custom', path: [...path], message });
      }
    };
    take(timestampField, ['timestampField'], 'the column of event times (timestampField)');
    if (createdTimestampField !== undefined) {
      take(
        createdTimestampField,
        ['createdTimestampField'],
        'the column of created times (createdTimestampField)',
      );
    }
    for (const name of Object.keys(columns)) take(name, ['columns', name], `column "${name}"`);
  });
