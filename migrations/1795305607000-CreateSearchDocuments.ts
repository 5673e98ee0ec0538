import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Full text of everything that threads say, kept by triggers, so that no writer can forget it: of replicas of the version before,
 * too (docs/decisions/2026-11-21-search.md). What is there already is indexed after boot, a few threads at a time.
 */
export class CreateSearchDocuments1795305607000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE thread_models ADD summary text, ADD summary_updated_at timestamptz(3)');
    await createLists(db);
    await createTables(db);
    await createSearchWords(db);
    await createIndexing(db);
    await createTriggers(db);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const [table, changes] of Object.entries(triggers)) {
      for (const name of Object.keys(changes)) await db.query(`DROP TRIGGER ${name} ON ${table}`);
      await db.query(`DROP FUNCTION search_${table}`);
    }
    await db.query('DROP FUNCTION search_index_thread');
    await db.query('DROP FUNCTION search_index');
    await db.query('DROP FUNCTION search_part');
    await db.query('DROP FUNCTION search_part_step');
    await db.query('DROP FUNCTION search_words');
    await db.query('DROP TABLE search_documents');
    await db.query('DROP TABLE search_configuration');
    await db.query('DROP INDEX ix_threads_archived_updated');
    await db.query('DROP INDEX ix_threads_archived_created');
    await db.query('ALTER TABLE thread_models DROP summary, DROP summary_updated_at');
  }
}

/** For lists and counts that show archived threads only, or none: however many of the other kind there are. */
async function createLists(db: QueryRunner): Promise<void> {
  for (const time of ['updated', 'created']) {
    await db.query(
      `CREATE INDEX ix_threads_archived_${time} ON threads (tenant_id, user_id, archived, ${time}_at, id)`,
    );
  }
}

async function createTables(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE TABLE search_configuration (
      id smallint CONSTRAINT pk_search_configuration PRIMARY KEY
        CONSTRAINT ck_search_configuration_id CHECK (id = 1),
      name varchar(130) NOT NULL,
      pending_after uuid,
      pending_message uuid
    )`);
  await db.query(`
    INSERT INTO search_configuration
    SELECT 1, 'simple', CASE WHEN EXISTS (SELECT FROM threads)
      THEN '00000000-0000-0000-0000-000000000000'::uuid END`);
  await db.query(`
    CREATE TABLE search_documents (
      tenant_id uuid NOT NULL,
      user_id uuid NOT NULL,
      thread_id uuid NOT NULL,
      source_id uuid NOT NULL,
      part integer NOT NULL,
      kind varchar(10) NOT NULL
        CONSTRAINT ck_search_documents_kind CHECK (kind IN ('title', 'summary', 'message')),
      words tsvector NOT NULL,
      CONSTRAINT pk_search_documents PRIMARY KEY (tenant_id, user_id, thread_id, source_id, part),
      CONSTRAINT fk_search_documents_thread FOREIGN KEY (tenant_id, user_id, thread_id)
        REFERENCES threads (tenant_id, user_id, id) ON DELETE CASCADE
    ) WITH (toast_tuple_target = 8160)`);
  // In the row itself, and not compressed: a search reads all words of one owner, and took twice as long.
  await db.query('ALTER TABLE search_documents ALTER words SET STORAGE EXTERNAL');
}

/** What no word contains, and what is ignored within words: the parser of Postgres knows neither in a database with the locale C. */
const separator = /[\p{P}\p{S}\p{Z}\p{Cc}]/u;
const ignored = /\p{Cf}/u;
const mark = /\p{M}/u;
/** Scripts that put no spaces between words (UAX #14, classes ID and SA), and Hangul, whose words carry their particles. */
const spaceless = new RegExp(
  `[${[
    'Han',
    'Hira',
    'Kana',
    'Bopo',
    'Hang',
    'Yiii',
    'Thai',
    'Laoo',
    'Mymr',
    'Khmr',
    'Tale',
    'Talu',
    'Lana',
    'Tavt',
    'Ahom',
    'Bali',
    'Java',
  ]
    .map((script) => `\\p{Script_Extensions=${script}}`)
    .join('')}]`,
  'u',
);

/**
 * `search_words` makes words of a text, the same whatever the locale of the database: composed, without punctuation, in lower case,
 * and of scripts without spaces each character (with its marks) by itself. A word of these is a phrase, then.
 */
async function createSearchWords(db: QueryRunner): Promise<void> {
  const collations = ['pg_c_utf8', 'und-x-icu'];
  const [collation] = (await db.query(
    `SELECT quote_ident(collname) AS name FROM pg_collation
      WHERE collname = ANY($1) ORDER BY array_position($1::text[], collname::text) LIMIT 1`,
    [collations],
  )) as { name: string }[];
  const separators = bracket((character) => separator.test(character));
  const characters = spacelessCharacters();
  const steps = [
    ['', bracket((character) => ignored.test(character))],
    [' ', `${separators}+`],
    [' \\1 ', `(${characters}${bracket((character) => mark.test(character))}*)`],
  ].reduce(
    (text, [to = '', from = '']) => `regexp_replace(${text}, '${from}', '${to}', 'g')`,
    'normalize(source, NFKC)',
  );
  await db.query(`
    CREATE FUNCTION search_words(source text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
      SELECT translate(lower(${steps} COLLATE ${collation?.name ?? '"default"'}), 'ς', 'σ') $body$`);
}

function spacelessCharacters(): string {
  return bracket(
    (character) =>
      spaceless.test(character) &&
      !separator.test(character) &&
      !mark.test(character) &&
      !ignored.test(character),
  );
}

/** The last code point that is assigned to letters and symbols (plane 3 ends the ideographs). */
const lastCodePoint = 0x3_ff_ff;

/** A bracket expression of Postgres for the characters that are wanted. */
function bracket(isWanted: (character: string) => boolean): string {
  const escaped = (code: number): string => `\\U${code.toString(16).padStart(8, '0')}`;
  let ranges = '';
  let from: number | undefined;
  for (let code = 1; code <= lastCodePoint + 1; code++) {
    const isSurrogate = code >= 0xd800 && code <= 0xdfff;
    const isIn = code <= lastCodePoint && !isSurrogate && isWanted(String.fromCodePoint(code));
    if (isIn) from ??= code;
    else if (from !== undefined) {
      ranges += from === code - 1 ? escaped(from) : `${escaped(from)}-${escaped(code - 1)}`;
      from = undefined;
    }
  }
  return `[${ranges}]`;
}

/**
 * Long texts are indexed in parts of 6,000 characters that overlap by 200: Postgres keeps 16,383 positions of a vector, 256 of a
 * word, and a megabyte in all (Postgres 18, section 12.11), and a message must not fail to be stored because of it. Parts are of
 * 1,500 when some of the text is of a script without spaces, whose most frequent characters are there a hundred times in so many.
 * The first 200 parts are indexed, because whoever stores the text waits: 1,160,200 characters, or 260,200.
 */
async function createIndexing(db: QueryRunner): Promise<void> {
  await db.query(`
    CREATE FUNCTION search_part_step(said text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
      SELECT CASE WHEN said ~ '${spacelessCharacters()}' THEN 1300 ELSE 5800 END $body$`);
  await db.query(`
    CREATE FUNCTION search_part(said text, part integer) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $body$
    DECLARE
      step integer := search_part_step(said);
    BEGIN
      RETURN substr(said, part * step + 1, step + 200);
    END $body$`);
  await db.query(`
    CREATE FUNCTION search_index(tenant uuid, owner uuid, thread uuid, source uuid, what text, said text)
    RETURNS void LANGUAGE plpgsql AS $body$
    DECLARE
      step integer := search_part_step(said);
    BEGIN
      DELETE FROM search_documents
       WHERE tenant_id = tenant AND user_id = owner AND thread_id = thread AND source_id = source;
      IF coalesce(said, '') = '' THEN RETURN; END IF;
      INSERT INTO search_documents (tenant_id, user_id, thread_id, source_id, part, kind, words)
      SELECT tenant, owner, thread, source, part, what, setweight(
               to_tsvector(configuration.name::regconfig, search_words(substr(said, part * step + 1, step + 200))),
               CASE what WHEN 'title' THEN 'A' WHEN 'summary' THEN 'B' ELSE 'D' END::"char")
        FROM search_configuration configuration, generate_series(0, least((char_length(said) - 201) / step, 199)) part;
    END $body$`);
  await db.query(`
    CREATE FUNCTION search_index_thread(thread uuid) RETURNS void LANGUAGE sql AS $body$
      SELECT search_index(tenant_id, user_id, id, id, 'title', title) FROM threads WHERE id = thread;
      SELECT search_index(tenant_id, user_id, thread_id, md5(model_id)::uuid, 'summary', summary)
        FROM thread_models WHERE thread_id = thread AND summary IS NOT NULL;
    $body$`);
}

/** By table, the triggers by name: when they fire. */
const triggers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  threads: { search_threads_text: 'INSERT OR UPDATE OF title' },
  thread_models: { search_thread_models_text: 'INSERT OR UPDATE OF summary' },
  messages: {
    search_messages_text: 'UPDATE OF content',
    search_messages_new: 'INSERT',
    search_messages_gone: 'DELETE',
  },
};

const conditions: Readonly<Record<string, string>> = {
  search_messages_text: 'WHEN (NEW.content <> OLD.content)',
  search_messages_new: `WHEN (NEW.content <> '')`,
};

const indexed: Readonly<Record<string, string>> = {
  threads: `search_index(NEW.tenant_id, NEW.user_id, NEW.id, NEW.id, 'title', NEW.title)`,
  thread_models: `search_index(NEW.tenant_id, NEW.user_id, NEW.thread_id, md5(NEW.model_id)::uuid, 'summary', NEW.summary)`,
  messages: `search_index(coalesce(NEW.tenant_id, OLD.tenant_id), coalesce(NEW.user_id, OLD.user_id),
    coalesce(NEW.thread_id, OLD.thread_id), coalesce(NEW.id, OLD.id), 'message', NEW.content)`,
};

async function createTriggers(db: QueryRunner): Promise<void> {
  for (const [table, changes] of Object.entries(triggers)) {
    await db.query(`
      CREATE FUNCTION search_${table}() RETURNS trigger LANGUAGE plpgsql AS $body$
      BEGIN
        PERFORM ${indexed[table] ?? ''};
        RETURN NULL;
      END $body$`);
    for (const [name, when] of Object.entries(changes)) {
      await db.query(
        `CREATE TRIGGER ${name} AFTER ${when} ON ${table} FOR EACH ROW ${conditions[name] ?? ''}
           EXECUTE FUNCTION search_${table}()`,
      );
    }
  }
}
