/** What the files of a training set may be. */
export const TABLE_FORMATS = ['parquet', 'csv', 'arrow'] as const;

export type TableFormat = (typeof TABLE_FORMATS)[number];
