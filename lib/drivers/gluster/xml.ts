/** An element of an XML document: what stands in it as text, and the elements in it. */
export interface XmlElement {
  readonly name: string;
  /** Of its own, without that of the elements in it; trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

/** A declaration, an opening, closing or empty tag, or text. Comments, CDATA and DOCTYPE are none: the CLI writes none. */
const TOKEN =
  /<\?[^<>]*\?>|<\/(?<closed>[\w.:-]+)\s*>|<(?<opened>[\w.:-]+)(?:\s+[\w.:-]+\s*=\s*"[^"<]*")*\s*(?<empty>\/?)>|(?<text>[^<]+)/y;
type Groups = Readonly<Partial<Record<string, string>>>;

const ENTITY = /&(?:#(?<decimal>\d{1,7})|(?<named>\w{1,5}));/g;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);
const DEEPEST = 32;

/**
 * Reads the XML that the gluster CLI writes: elements and text; attributes are passed over.
 * @returns the outermost element
 * @throws Error for anything else
 */
export function parseXml(document: string): XmlElement {
  const outside: OpenElement = { name: '', text: '', children: [] };
  const open = [outside];
  const token = new RegExp(TOKEN);
  while (token.lastIndex < document.length)
    take(token.exec(document)?.groups ?? wrong('is cut off, or is something else'), open);
  const [root, ...more] = outside.children;
  if (open.length > 1 || !root || more.length > 0) wrong('is not one whole element');
  return finished(root);
}

/** @param open the elements that are not closed yet, from the outside in */
function take({ closed, opened, empty, text = '' }: Groups, open: OpenElement[]): void {
  const inner = open.at(-1) ?? wrong('closes too much');
  inner.text += text;
  if (opened !== undefined) {
    const element: OpenElement = { name: opened, text: '', children: [] };
    inner.children.push(element);
    if (empty === '' && open.push(element) > DEEPEST) wrong('is nested too deep');
  } else if (closed !== undefined) {
    if (closed !== inner.name) wrong(`closes ${closed}, which is not open`);
    open.pop();
  }
}

/** The elements of that name in it. */
export function childrenOf(element: XmlElement | null, name: string): readonly XmlElement[] {
  return element?.children.filter((each) => each.name === name) ?? [];
}

/** The element that a path of names leads to, the first of each; null: there is none. */
export function elementAt(element: XmlElement, ...names: readonly string[]): XmlElement | null {
  return names.reduce<XmlElement | null>((found, name) => childrenOf(found, name)[0] ?? null, element);
}

/** The text of the element of that name in it; null: there is none. */
export function textOf(element: XmlElement, name: string): string | null {
  return elementAt(element, name)?.text ?? null;
}

function finished({ name, text, children }: XmlElement): XmlElement {
  return { name, text: withoutEntities(text).trim(), children: children.map(finished) };
}

function withoutEntities(text: string): string {
  return text.replaceAll(ENTITY, (entity, decimal?: string, named?: string) => {
    const code = Number(decimal);
    if (decimal !== undefined && code <= 0x10_ff_ff) return String.fromCodePoint(code);
    return ENTITIES.get(named ?? '') ?? entity;
  });
}

function wrong(what: string): never {
  throw new Error(`the XML of the gluster CLI ${what}`);
}
