import type { CreateListener, HealthCheck, LoadBalancerListener, UpdateHealthCheck, UpdateListener } from '../api/types';
import { optional, required, violations, wholeNumber, type Violation } from '../ui/rules';

export const protocols = ['tcp', 'udp', 'http', 'https', 'tls'] as const;
export const algorithms = ['round-robin', 'least-connections', 'source'] as const;
export const checks = ['tcp', 'http', 'none'] as const;

/** A listener as a form holds it: numbers as they are typed. */
export interface ListenerValues {
  readonly protocol: string;
  readonly port: string;
  readonly algorithm: string;
  readonly cookie: boolean;
  readonly proxyProtocol: boolean;
  /** Empty: the one that is there stays. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly idleSeconds: string;
  readonly checkProtocol: string;
  readonly checkPath: string;
  /** Empty: the member's own. */
  readonly checkPort: string;
  readonly interval: string;
  readonly timeout: string;
  readonly rise: string;
  readonly fall: string;
}

export const blankListener: ListenerValues = {
  protocol: 'tcp', port: '80', algorithm: 'round-robin', cookie: false, proxyProtocol: false, certificate: '', privateKey: '', idleSeconds: '300',
  checkProtocol: 'tcp', checkPath: '/', checkPort: '', interval: '5', timeout: '3', rise: '2', fall: '2',
};

export function valuesOf(l: LoadBalancerListener): ListenerValues {
  const check: HealthCheck = l.healthCheck;
  return {
    protocol: l.protocol, port: String(l.port), algorithm: l.algorithm, cookie: l.stickiness === 'cookie', proxyProtocol: l.proxyProtocol, certificate: '', privateKey: '', idleSeconds: String(l.idleSeconds),
    checkProtocol: check.protocol, checkPath: check.path ?? '/', checkPort: check.port === null ? '' : String(check.port), interval: String(check.intervalSeconds), timeout: String(check.timeoutSeconds),
    rise: String(check.rise), fall: String(check.fall),
  };
}

export const endsTls = (protocol: string) => protocol === 'https' || protocol === 'tls';
export const readsHttp = (protocol: string) => protocol === 'http' || protocol === 'https';

const usualPorts: Readonly<Record<string, string>> = { tcp: '80', http: '80', https: '443', tls: '443', udp: '53' };

/** The fields that follow another protocol, as far as nobody has chosen otherwise. */
export function followProtocol(v: ListenerValues, protocol: string): Partial<ListenerValues> {
  return {
    protocol, ...(v.port === usualPorts[v.protocol] ? { port: usualPorts[protocol] ?? v.port } : {}),
    ...(protocol === 'udp' && v.algorithm === 'least-connections' ? { algorithm: 'round-robin' } : {}),
    // Whether a UDP service answers cannot be told from outside.
    ...(protocol === 'udp' && v.checkProtocol === 'tcp' && v.checkPort === '' ? { checkProtocol: 'none' } : {}),
    ...(v.protocol === 'udp' && v.checkProtocol === 'none' ? { checkProtocol: 'tcp' } : {}),
  };
}

export const port = (text: string) => wholeNumber(text, 1, 65535);

/** @param has The listener has a certificate already. */
export function checkListener(v: ListenerValues, has: boolean): Violation[] {
  const given = v.certificate.trim() !== '' || v.privateKey.trim() !== '';
  const [tls, needed] = [endsTls(v.protocol), !has || given];
  const seconds = wholeNumber(v.interval, 1, 300);
  const checked = v.checkProtocol !== 'none';
  return violations(
    ['port', port(v.port)], ['certificate', tls && needed ? required(v.certificate) : null], ['privateKey', tls && needed ? required(v.privateKey) : null],
    ['checkPath', v.checkProtocol === 'http' && !v.checkPath.startsWith('/') ? { key: 'balancer.pathForm' } : null], ['checkPort', checked ? optional(v.checkPort, port) : null],
    ['interval', checked ? seconds : null], ['timeout', checked ? wholeNumber(v.timeout, 1, seconds === null ? Number(v.interval) : 300) : null],
    ['rise', checked ? wholeNumber(v.rise, 1, 10) : null], ['fall', checked ? wholeNumber(v.fall, 1, 10) : null], ['idleSeconds', wholeNumber(v.idleSeconds, 1, 86_400)]);
}

function healthCheck(v: ListenerValues): UpdateHealthCheck {
  if (v.checkProtocol === 'none') return { protocol: 'none', path: null, port: null, intervalSeconds: null, timeoutSeconds: null, rise: null, fall: null };
  return {
    protocol: v.checkProtocol, path: v.checkProtocol === 'http' ? v.checkPath : null, port: v.checkPort === '' ? 0 : Number(v.checkPort), intervalSeconds: Number(v.interval),
    timeoutSeconds: Number(v.timeout), rise: Number(v.rise), fall: Number(v.fall),
  };
}

/** What is sent: what the protocol does not have is off, whatever was chosen before. */
export function listenerRequest(v: ListenerValues): CreateListener & UpdateListener {
  const pem = (text: string) => (endsTls(v.protocol) && text.trim() !== '' ? text : null);
  return {
    protocol: v.protocol, port: Number(v.port), algorithm: v.algorithm, stickiness: v.cookie && readsHttp(v.protocol) ? 'cookie' : 'none', proxyProtocol: v.proxyProtocol && v.protocol !== 'udp',
    certificate: pem(v.certificate), privateKey: pem(v.privateKey), healthCheck: healthCheck(v), idleSeconds: Number(v.idleSeconds),
  };
}

const checkFields: Readonly<Record<string, string>> = { protocol: 'checkProtocol', path: 'checkPath', port: 'checkPort', intervalSeconds: 'interval', timeoutSeconds: 'timeout', rise: 'rise', fall: 'fall' };

/** The field that an error of the server belongs to; `listeners[0].` is the one listener that is made with a load balancer. */
export function listenerField(path: string): string {
  const own = path.replace(/^listeners\[\d+\]\./, '');
  if (own.startsWith('healthCheck.')) return checkFields[own.slice('healthCheck.'.length)] ?? own;
  return own === 'stickiness' ? 'cookie' : own;
}
