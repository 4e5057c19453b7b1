import { onlineStoreConformance } from '../../../test/conformance/online-store.ts';
import { createMemoryOnlineStore } from './memory-online-store.ts';

onlineStoreConformance('in memory', async () => createMemoryOnlineStore());
