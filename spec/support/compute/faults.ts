/** An answer that is a refusal. */
export class Fault {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {}
}

export function faultOf(status: number, name: string, message: string): Fault {
  return new Fault(status, { [name]: { code: status, message } });
}

export function badRequest(message: string): Fault {
  return faultOf(400, 'badRequest', message);
}

export function forbidden(action: string): Fault {
  return faultOf(403, 'forbidden', `Policy doesn't allow os_compute_api:${action} to be performed.`);
}

export function noSuchInstance(id: string): Fault {
  return faultOf(404, 'itemNotFound', `Instance ${id} could not be found.`);
}

/** keystonemiddleware's, in front of Nova. */
export const UNAUTHORIZED = new Fault(401, {
  error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' },
});
