/** Gives back what was admitted; again is no error. */
export type Release = () => void;

export interface Budget {
  hasRoom(size: number): boolean;
  /** Undefined: not now. */
  admit(size: number): Release | undefined;
}

/** `amount`: of all that is admitted together, unless there is only one. */
export function budget(amount: number): Budget {
  let open = 0;
  const hasRoom = (size: number) => open === 0 || open + size <= amount;
  return {
    hasRoom,
    admit(size) {
      if (!hasRoom(size)) return undefined;
      open += size;
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        open -= size;
      };
    },
  };
}
