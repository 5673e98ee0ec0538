import { readFile } from 'node:fs/promises';
import { markdown } from '../report/tables.js';

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

const shownModules = 24;
const shownFunctions = 20;
const idle = '(idle)';
const agent = 'bench agent';

/**
 * Where the time of a process went, as Markdown, in percent of the time in which it did something: by the module that was
 * executing, by the module that had it done (the nearest caller that is not Node itself), and by function. V8 samples by the
 * clock, not by CPU time: what a function lost to other processes while it was on, it is charged for.
 */
export async function summarise(file: string): Promise<string> {
  const profile = JSON.parse(await readFile(file, 'utf8')) as Profile; // Written by V8.
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const [self, owner, functions] = [new Shares(), new Shares(), new Shares()];
  for (const [index, id] of profile.samples.entries()) {
    const node = nodes.get(id);
    const micros = profile.timeDeltas[index] ?? 0;
    if (node === undefined || node.callFrame.functionName === idle) continue;
    const behalf = ownerOf(node, nodes, parents);
    if (behalf === agent) continue;
    self.add(moduleOf(node), micros);
    owner.add(behalf, micros);
    functions.add(functionOf(node), micros);
  }
  return [
    self.table('module, executing', shownModules),
    owner.table('module, on whose behalf', shownModules),
    functions.table('function, executing', shownFunctions),
  ].join('\n\n');
}

class Shares {
  private readonly micros = new Map<string, number>();
  private total = 0;

  add(name: string, micros: number): void {
    this.micros.set(name, (this.micros.get(name) ?? 0) + micros);
    this.total += micros;
  }

  table(title: string, limit: number): string {
    const rows = [...this.micros].toSorted(([, a], [, b]) => b - a).slice(0, limit);
    return markdown(
      [title, '%'],
      rows.map(([name, micros]) => [`\`${name}\``, ((micros / this.total) * 100).toFixed(1)]),
    );
  }
}

/** A file of ours; a package; a module of Node; or what V8 says itself, such as (garbage collector). */
function moduleOf({ callFrame: { url, functionName } }: ProfileNode): string {
  const own = /\/dist\/(src\/.*)\.js$/.exec(url)?.[1];
  if (own !== undefined) return `${own}.ts`;
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  if (url.startsWith('node:')) return url.split('/').slice(0, 2).join('/');
  if (url.includes('/dist/bench/')) return agent;
  return functionName.startsWith('(') ? functionName : 'native code of Node';
}

function ownerOf(
  start: ProfileNode,
  nodes: ReadonlyMap<number, ProfileNode>,
  parents: ReadonlyMap<number, number>,
): string {
  let node: ProfileNode | undefined = start;
  while (node !== undefined) {
    const name = moduleOf(node);
    if (!name.startsWith('node:') && name !== 'native code of Node' && name !== '(root)') return name;
    node = nodes.get(parents.get(node.id) ?? NaN);
  }
  return 'Node alone (sockets, timers, promises)';
}

function functionOf(node: ProfileNode): string {
  const { functionName } = node.callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  return name.startsWith('(') && node.callFrame.url === '' ? name : `${name}: ${moduleOf(node)}`;
}
