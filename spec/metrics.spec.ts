import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { prometheusMetrics } from '../lib/metrics';

describe('prometheusMetrics', () => {
  it('counts requests by route pattern, method and status', async () => {
    const registry = new Registry();
    prometheusMetrics(registry).requestServed('/os-filesystem/{name}', 'GET', 404, 0.002);
    expect(await registry.metrics()).toContain(
      'shared_filesystem_request_seconds_count{route="/os-filesystem/{name}",method="GET",status="404"} 1',
    );
  });

  it('tells failed calls of a driver from others', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics(registry);
    metrics.driverCalled('filer', 'syncAccess', true, 0.1);
    metrics.driverCalled('filer', 'syncAccess', false, 0.1);
    const text = await registry.metrics();
    expect(text).toContain('driver_call_seconds_count{backend="filer",method="syncAccess",outcome="failed"} 1');
    expect(text).toContain('shared_filesystem_driver_failures_total{backend="filer",method="syncAccess"} 1');
  });

  it('shows the newest lag and state of a backend', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics(registry);
    metrics.lag('filer', 7, 3);
    metrics.lag('filer', 2, 1.5);
    metrics.backendUp('filer', true);
    metrics.backendUp('filer', false);
    const text = await registry.metrics();
    expect(text).toContain('shared_filesystem_due{backend="filer"} 2');
    expect(text).toContain('shared_filesystem_lag_seconds{backend="filer"} 1.5');
    expect(text).toContain('shared_filesystem_backend_up{backend="filer"} 0');
  });

  it('adds up what two extensions with one registry measure', async () => {
    const registry = new Registry();
    prometheusMetrics(registry).converged('filer', 0.2);
    prometheusMetrics(registry).converged('filer', 0.4);
    expect(await registry.metrics()).toContain('shared_filesystem_convergence_seconds_count{backend="filer"} 2');
  });

  it('says nothing of a bus or a Compute that there is not, and what is so of one that there is', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics(registry);
    expect(await registry.metrics()).not.toMatch(/bus_connected|compute_up|resync_braked/);
    metrics.busConnected(true);
    metrics.busConnected(false);
    metrics.computeReachable(true);
    const text = await registry.metrics();
    expect(text).toContain('shared_filesystem_bus_connected 0');
    expect(text).toContain('shared_filesystem_compute_up 1');
  });

  it('has every metric that docs/operations.md names, and no other', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics(registry);
    metrics.busConnected(true);
    metrics.computeReachable(true);
    metrics.resyncBraked(false);
    const page = readFileSync(`${__dirname}/../docs/operations.md`, 'utf8');
    const documented = [...page.matchAll(/^\| `(shared_filesystem_[a-z_]+)`/gm)].map(([, name]) => name);
    const kept = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(new Set(documented)).toEqual(new Set(kept));
  });
});
