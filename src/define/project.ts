import type { MetadataInput } from './metadata.ts';

export interface ProjectInput extends MetadataInput {
  /** Lower-case letters, digits and underscores; names the project in the registry, the stores and workflow ids. */
  readonly name: string;
}

export interface ProjectDefinition {
  readonly kind: 'project';
  readonly config: ProjectInput;
}

/** Names the project that a feature repository defines; a repository has exactly one. */
export function project(config: ProjectInput): ProjectDefinition {
  return { kind: 'project', config };
}
