/*
 * data/job_yaml.c -- libyaml's events into a tree of nodes.
 *
 * Events, not libyaml's documents: a document has already resolved its aliases and no longer says
 * which anchors and tags it had. All three are refused, because nobody needs them to describe a
 * grid and with them a small file can stand for a tree without end.
 */
#include "data/job_yaml.h"

#include <string.h>
#include <yaml.h>

enum {
    DEPTH_MAX = 16,
    ENTRIES_MAX = 256, /* of a mapping; keeps the search for duplicates short */
};

typedef struct yaml_reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at; zeroed: none */
    const char *source, *text;
    int depth;
} yaml_reader;

static gcr_mark mark_of(const yaml_reader *reader, yaml_mark_t mark)
{
    return (gcr_mark){ reader->source, (int)mark.line + 1, (int)mark.column + 1 };
}

static gcr_mark event_mark(const yaml_reader *reader)
{
    return mark_of(reader, reader->event.start_mark);
}

/* ---- what libyaml has to complain about ------------------------------------------------------ */

/* libyaml says where undecodable bytes are by offset only. */
static gcr_mark offset_mark(const yaml_reader *reader, size_t offset)
{
    gcr_mark mark = { reader->source, 1, 1 };

    for (size_t i = 0; i < offset; i++) {
        const unsigned char byte = (unsigned char)reader->text[i];

        if (byte == '\n') {
            mark.line++;
            mark.column = 1;
        } else if ((byte & 0xC0) != 0x80) { /* not the middle of a character */
            mark.column++;
        }
    }
    return mark;
}

static gcr_status explain_bytes(const yaml_reader *reader)
{
    gcr_status status = GCR_OK;
    const yaml_parser_t *parser = &reader->parser;
    const gcr_mark mark = offset_mark(reader, parser->problem_offset);

    if (parser->problem_value >= 0)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(mark, "not a text file: %s (0x%02X)"), parser->problem,
                 (unsigned)parser->problem_value);
    GCR_FAIL(GCR_EFORMAT, GCR_AT(mark, "not a text file: %s"), parser->problem);
out:
    return status;
}

/* libyaml's words, except where they help nobody. */
static const char *problem_text(const yaml_parser_t *parser)
{
    if (strcmp(parser->problem, "found character that cannot start any token") == 0)
        return "no value starts with this character (indent with blanks, not tabs; quote text that "
               "starts with a sign)";
    return parser->problem;
}

static gcr_status explain(const yaml_reader *reader)
{
    gcr_status status = GCR_OK;
    const yaml_parser_t *parser = &reader->parser;
    const gcr_mark mark = mark_of(reader, parser->problem_mark);

    if (parser->error == YAML_MEMORY_ERROR)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", reader->source);
    if (parser->error == YAML_READER_ERROR)
        GCR_TRY(explain_bytes(reader));
    if (parser->context == NULL)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(mark, "not YAML: %s"), problem_text(parser));
    GCR_FAIL(GCR_EFORMAT, GCR_AT(mark, "not YAML: %s, %s that began in line %d"),
             problem_text(parser), parser->context, (int)parser->context_mark.line + 1);
out:
    return status;
}

/* ---- events ---------------------------------------------------------------------------------- */

static gcr_status next_event(yaml_reader *reader)
{
    yaml_event_delete(&reader->event); /* zeroes it, too */
    return yaml_parser_parse(&reader->parser, &reader->event) ? GCR_OK : explain(reader);
}

static gcr_status refuse_decoration(const yaml_reader *reader, const yaml_char_t *anchor,
                                    const yaml_char_t *tag)
{
    gcr_status status = GCR_OK;

    if (anchor != NULL)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(event_mark(reader), "a job file has no anchors (&%.32s)"),
                 (const char *)anchor);
    if (tag != NULL)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(event_mark(reader), "a job file has no tags (%.32s)"),
                 (const char *)tag);
out:
    return status;
}

/* Escapes in double quotes can spell what the file itself may not hold. */
static gcr_status check_text(const yaml_reader *reader, const char *text, size_t bytes)
{
    gcr_status status = GCR_OK;

    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)text[i];

        if ((byte < ' ' && byte != '\t' && byte != '\n') || byte == 0x7F)
            GCR_FAIL(GCR_EFORMAT, GCR_AT(event_mark(reader), "control character 0x%02X in a text"),
                     byte);
    }
out:
    return status;
}

static gcr_status read_text(gcr_node **out, yaml_reader *reader)
{
    gcr_status status = GCR_OK;
    const char *const text = (const char *)reader->event.data.scalar.value;
    const size_t bytes = reader->event.data.scalar.length;

    GCR_TRY(
        refuse_decoration(reader, reader->event.data.scalar.anchor, reader->event.data.scalar.tag));
    GCR_TRY(check_text(reader, text, bytes));
    GCR_TRY(gcr_node_create(out, GCR_NODE_TEXT, event_mark(reader), text, bytes));
    (*out)->is_plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
out:
    return status;
}

static gcr_status read_node(gcr_node **out, yaml_reader *reader);

static gcr_status read_items(gcr_node *list, yaml_reader *reader)
{
    gcr_status status = GCR_OK;

    for (;;) {
        gcr_node *item = NULL;

        GCR_TRY(next_event(reader));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        GCR_TRY(read_node(&item, reader));
        gcr_node_add(list, item);
    }
out:
    return status;
}

static gcr_status check_new_key(const gcr_node *mapping, const gcr_node *key)
{
    gcr_status status = GCR_OK;
    const gcr_node *const old = gcr_node_get(mapping, key->text);

    if (key->kind != GCR_NODE_TEXT)
        GCR_FAIL(GCR_EINVAL, GCR_AT(key->mark, "a key must be text, not a list or a mapping"));
    if (old != NULL)
        GCR_FAIL(GCR_EINVAL, GCR_AT(key->mark, "the key '%s' is given twice (first in line %d)"),
                 key->text, old->key_mark.line);
    if (mapping->count == ENTRIES_MAX)
        GCR_FAIL(GCR_EINVAL, GCR_AT(key->mark, "more than %d keys in one mapping"), ENTRIES_MAX);
out:
    return status;
}

/* The event looked at is the key. */
static gcr_status read_entry(gcr_node *mapping, yaml_reader *reader)
{
    gcr_status status = GCR_OK;
    gcr_node *key = NULL, *value = NULL;

    GCR_TRY(read_node(&key, reader));
    GCR_TRY(check_new_key(mapping, key));
    GCR_TRY(next_event(reader));
    GCR_TRY(read_node(&value, reader));
    GCR_TRY(gcr_node_set_key(value, key->mark, key->text, strlen(key->text)));
    gcr_node_put(mapping, value);
    value = NULL; /* handed over */
out:
    gcr_node_destroy(value);
    gcr_node_destroy(key);
    return status;
}

static gcr_status read_entries(gcr_node *mapping, yaml_reader *reader)
{
    gcr_status status = GCR_OK;

    for (;;) {
        GCR_TRY(next_event(reader));
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        GCR_TRY(read_entry(mapping, reader));
    }
out:
    return status;
}

static gcr_status read_children(gcr_node *parent, yaml_reader *reader)
{
    gcr_status status = GCR_OK;

    if (++reader->depth > DEPTH_MAX)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(parent->mark, "nested deeper than %d levels"), DEPTH_MAX);
    if (parent->kind == GCR_NODE_LIST)
        GCR_TRY(read_items(parent, reader));
    else
        GCR_TRY(read_entries(parent, reader));
    reader->depth--;
out:
    return status;
}

static gcr_status read_collection(gcr_node **out, yaml_reader *reader, gcr_node_kind kind)
{
    gcr_status status = GCR_OK;
    gcr_node *node = NULL;

    GCR_TRY(gcr_node_create(&node, kind, event_mark(reader), NULL, 0));
    GCR_TRY(read_children(node, reader));
    *out = node;
    node = NULL; /* handed over */
out:
    gcr_node_destroy(node);
    return status;
}

/* Reads the node that begins with the event looked at. */
static gcr_status read_node(gcr_node **out, yaml_reader *reader)
{
    gcr_status status = GCR_OK;
    const yaml_event_t *const event = &reader->event;

    *out = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT: GCR_TRY(read_text(out, reader)); break;
    case YAML_SEQUENCE_START_EVENT:
        GCR_TRY(refuse_decoration(reader, event->data.sequence_start.anchor,
                                  event->data.sequence_start.tag));
        GCR_TRY(read_collection(out, reader, GCR_NODE_LIST));
        break;
    case YAML_MAPPING_START_EVENT:
        GCR_TRY(refuse_decoration(reader, event->data.mapping_start.anchor,
                                  event->data.mapping_start.tag));
        GCR_TRY(read_collection(out, reader, GCR_NODE_MAPPING));
        break;
    default: /* an alias is the only other event that can stand for a node */
        GCR_FAIL(GCR_EFORMAT,
                 GCR_AT(event_mark(reader), "a job file has no aliases (*%.32s); write it out"),
                 (const char *)event->data.alias.anchor);
    }
out:
    return status;
}

/* ---- the document ---------------------------------------------------------------------------- */

static gcr_status read_document(gcr_node **out, yaml_reader *reader)
{
    gcr_status status = GCR_OK;

    GCR_TRY(next_event(reader)); /* the start of the stream */
    GCR_TRY(next_event(reader)); /* the start of the document, or the end of the stream */
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        GCR_TRY(gcr_node_create(out, GCR_NODE_TEXT, event_mark(reader), NULL, 0));
        (*out)->is_plain = 1;
        goto out;
    }
    GCR_TRY(next_event(reader));
    GCR_TRY(read_node(out, reader));
    GCR_TRY(next_event(reader)); /* the end of the document */
    GCR_TRY(next_event(reader));
    if (reader->event.type != YAML_STREAM_END_EVENT)
        GCR_FAIL(GCR_EFORMAT, GCR_AT(event_mark(reader), "a second document; a job file is one"));
out:
    return status;
}

/* Bytes of a byte-order mark, which is no part of the text. */
static size_t order_mark_bytes(const char *text, size_t bytes)
{
    return bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

gcr_status gcr_yaml_read(gcr_node **out, const char *source, const char *text, size_t bytes)
{
    gcr_status status = GCR_OK;
    const size_t skipped = order_mark_bytes(text, bytes);
    yaml_reader reader = { .source = source, .text = text + skipped };
    gcr_node *node = NULL;

    *out = NULL;
    if (bytes > GCR_YAML_BYTES_MAX)
        GCR_FAIL(GCR_EFORMAT, "%s: more than 1 MiB; a job file is not that large", source);
    if (!yaml_parser_initialize(&reader.parser))
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", source);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text + skipped,
                                 bytes - skipped);
    GCR_TRY(read_document(&node, &reader));
    *out = node;
    node = NULL; /* handed over */
out:
    gcr_node_destroy(node);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return status;
}
