/* data/csv_table.c -- the header, and one cell at a time. */
#include "data/csv_table.h"

#include "data/date.h"

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ---------------------------------------------------------------------------------- */

/* The field without the blanks around it, which belong to it only inside quotes. */
static gcr_csv_field trim(gcr_csv_field field)
{
    if (field.is_quoted)
        return field;
    for (; field.bytes > 0 && (*field.text == ' ' || *field.text == '\t'); field.bytes--)
        field.text++;
    while (field.bytes > 0 &&
           (field.text[field.bytes - 1] == ' ' || field.text[field.bytes - 1] == '\t'))
        field.bytes--;
    return field;
}

static int field_is(const gcr_csv_field *field, const char *word)
{
    return strncmp(field->text, word, field->bytes) == 0 && word[field->bytes] == '\0';
}

static int is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* The first control character, or NULL. */
static const char *find_control(const gcr_csv_field *field)
{
    for (uint32_t i = 0; i < field->bytes; i++)
        if (is_control(field->text[i]))
            return &field->text[i];
    return NULL;
}

/* The field as text of one line. The caller frees it. */
static gcr_status copy_line(char **out, const gcr_csv_field *field)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_text_copy(out, field->text, field->bytes));
    for (char *c = *out; *c != '\0'; c++)
        if (is_control(*c))
            *c = ' ';
out:
    return status;
}

/* ---- the header ------------------------------------------------------------------------------ */

static gcr_status copy_names(gcr_table *table)
{
    gcr_status status = GCR_OK;
    const int count = table->row.count;

    table->names = calloc((size_t)count, sizeof *table->names);
    table->roles = calloc((size_t)count, sizeof *table->roles);
    if (table->names == NULL || table->roles == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the header of %s", table->path);
    table->columns = count;
    for (int i = 0; i < count; i++) {
        const gcr_csv_field name = trim(table->row.fields[i]);

        if (!gcr_utf8_is_valid(name.text, name.bytes))
            GCR_FAIL(GCR_EFORMAT,
                     "%s:%" PRIu64 ":%d: this name is not UTF-8; save the file as UTF-8",
                     table->path, table->row.line, i + 1);
        GCR_TRY(copy_line(&table->names[i], &name));
    }
out:
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const gcr_named_column *)a)->name, ((const gcr_named_column *)b)->name);
}

/* Names are looked up once each, but there may be very many of both. */
static gcr_status sort_names(gcr_table *table)
{
    gcr_status status = GCR_OK;
    const size_t count = (size_t)table->columns;

    table->sorted = calloc(count, sizeof *table->sorted);
    if (table->sorted == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the header of %s", table->path);
    for (int i = 0; i < table->columns; i++)
        table->sorted[i] = (gcr_named_column){ .name = table->names[i], .column = i };
    qsort(table->sorted, count, sizeof *table->sorted, compare_names);
out:
    return status;
}

static gcr_status read_header(gcr_table *table)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_csv_next(&table->row, table->csv));
    if (table->row.count == 0)
        GCR_FAIL(GCR_EFORMAT, "%s has no header: every line of it is blank", table->path);
    GCR_TRY(copy_names(table));
    GCR_TRY(sort_names(table));
out:
    return status;
}

static gcr_status complain_of_two(const gcr_table *table, const gcr_named_column *one,
                                  const gcr_named_column *other)
{
    const int first = one->column < other->column ? one->column : other->column;
    const int second = one->column + other->column - first;
    gcr_status status = GCR_OK;

    GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ": columns %d and %d are both called '%s'", table->path,
             table->row.line, first + 1, second + 1, one->name);
out:
    return status;
}

gcr_status gcr_table_find(int *out, const gcr_table *table, const char *name, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    const gcr_named_column wanted = { .name = name }, *end = table->sorted + table->columns;
    const gcr_named_column *found =
        bsearch(&wanted, table->sorted, (size_t)table->columns, sizeof wanted, compare_names);
    const gcr_mark at = mark != NULL ? *mark : (gcr_mark){ 0 };
    char place[GCR_MARK_BYTES], hint[256];

    *out = -1;
    if (found == NULL) {
        gcr_suggest(hint, sizeof hint, name, (const char *const *)table->names, table->columns);
        GCR_FAIL(GCR_EINVAL, "%s%s has no column '%s'%s", gcr_format_mark(place, at), table->path,
                 name, hint);
    }
    if (found > table->sorted && compare_names(found - 1, found) == 0)
        GCR_TRY(complain_of_two(table, found - 1, found));
    if (found + 1 < end && compare_names(found, found + 1) == 0)
        GCR_TRY(complain_of_two(table, found, found + 1));
    *out = found->column;
out:
    return status;
}

static gcr_status assign(gcr_table *table, const char *name, gcr_mark mark, gcr_column_role role)
{
    static const char *const role_names[] = { "free", "key", "x", "y", "skip" };
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];
    int column;

    GCR_TRY(gcr_table_find(&column, table, name, &mark));
    if (table->roles[column] != GCR_COLUMN_FREE)
        GCR_FAIL(GCR_EINVAL, "%scolumn '%s' is named twice: as %s and as %s",
                 gcr_format_mark(place, mark), name, role_names[table->roles[column]],
                 role_names[role]);
    table->roles[column] = role;
out:
    return status;
}

static gcr_status assign_list(gcr_table *table, const gcr_name_list *list, gcr_column_role role)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < list->count; i++)
        GCR_TRY(assign(table, list->names[i],
                       list->marks != NULL ? list->marks[i] : (gcr_mark){ 0 }, role));
out:
    return status;
}

static gcr_status assign_roles(gcr_table *table)
{
    gcr_status status = GCR_OK;
    const gcr_data_spec *spec = table->spec;

    if (spec->key != NULL)
        GCR_TRY(assign(table, spec->key, spec->key_mark, GCR_COLUMN_KEY));
    GCR_TRY(assign_list(table, &spec->x, GCR_COLUMN_X));
    if (spec->y != NULL)
        GCR_TRY(assign(table, spec->y, spec->y_mark, GCR_COLUMN_Y));
    GCR_TRY(assign_list(table, &spec->skip, GCR_COLUMN_SKIP));
out:
    return status;
}

gcr_status gcr_table_open(gcr_table *out, const char *path, const gcr_data_spec *spec)
{
    gcr_status status = GCR_OK;

    *out = (gcr_table){ .path = path, .spec = spec };
    GCR_TRY(gcr_csv_open(&out->csv, path, spec->delimiter));
    GCR_TRY(read_header(out));
    GCR_TRY(assign_roles(out));
out:
    if (status != GCR_OK)
        gcr_table_close(out);
    return status;
}

void gcr_table_close(gcr_table *table)
{
    for (int i = 0; i < table->columns; i++)
        free(table->names[i]);
    free(table->names);
    free(table->roles);
    free(table->sorted);
    gcr_csv_close(table->csv);
    *table = (gcr_table){ .path = NULL };
}

int gcr_table_column(const gcr_table *table, gcr_column_role role)
{
    for (int i = 0; i < table->columns; i++)
        if (table->roles[i] == role)
            return i;
    return -1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

gcr_status gcr_table_next(int *has_row, gcr_table *table)
{
    gcr_status status = GCR_OK;

    *has_row = 0;
    GCR_TRY(gcr_csv_next(&table->row, table->csv));
    if (table->row.count != 0 && table->row.count != table->columns)
        GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ": %d field%s where the header has %d", table->path,
                 table->row.line, table->row.count, table->row.count == 1 ? "" : "s",
                 table->columns);
    *has_row = table->row.count > 0;
out:
    return status;
}

int gcr_table_row_is_empty(const gcr_table *table)
{
    for (int i = 0; i < table->row.count; i++)
        if (trim(table->row.fields[i]).bytes > 0)
            return 0;
    return 1;
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* A cell's text, fit for a sentence: one line, not too long, cut between characters. */
static const char *excerpt(char out[48], const gcr_csv_field *field)
{
    const int is_cut = field->bytes > 40;
    size_t bytes = is_cut ? 40 : field->bytes;

    while (is_cut && bytes > 0 && (field->text[bytes] & 0xc0) == 0x80)
        bytes--;
    for (size_t i = 0; i < bytes; i++)
        out[i] = is_control(field->text[i]) ? ' ' : field->text[i];
    strcpy(out + bytes, is_cut ? "..." : "");
    return out;
}

static int is_missing_by_job(const gcr_csv_field *field, const gcr_name_list *missing)
{
    for (int i = 0; i < missing->count; i++)
        if (field_is(field, missing->names[i]))
            return 1;
    return 0;
}

static int is_word(const gcr_csv_field *field)
{
    const unsigned char first = field->bytes > 0 ? (unsigned char)field->text[0] : '0';

    return (first | ' ') >= 'a' && ((first | ' ') <= 'z' || first >= 0x80);
}

/* What to do about a word, which may be a category or a way to say that there is no value. */
static const char *hint_for_word(const gcr_table *table, int column, const gcr_csv_field *field)
{
    if (!is_word(field))
        return "";
    if (table->roles[column] == GCR_COLUMN_Y)
        return "; turn words into numbers, or name in `missing` what means no value";
    return "; turn words into columns of 0 and 1 (pandas.get_dummies), name their column in "
           "`skip`, "
           "or name in `missing` what means no value";
}

static gcr_status complain_of_value(const gcr_table *table, int column, const gcr_csv_field *field,
                                    int is_date)
{
    gcr_status status = GCR_OK;
    const char *path = table->path, *name = table->names[column];
    const uint64_t line = table->row.line;
    char text[48];

    excerpt(text, field);
    if (is_date)
        GCR_FAIL(GCR_EFORMAT,
                 "%s:%" PRIu64 ":%d: '%s' is not a date of the form '%s' (column '%s')", path, line,
                 column + 1, text, table->spec->x_format, name);
    GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ":%d: '%s' is not a number (column '%s')%s", path, line,
             column + 1, text, name, hint_for_word(table, column, field));
out:
    return status;
}

_Static_assert((int)GCR_CSV_SPARE >= (int)GCR_NUMBER_SPARE, "numbers are read where they stand");

gcr_status gcr_table_value(double *out, const gcr_table *table, int column, int is_date)
{
    gcr_status status = GCR_OK;
    const gcr_csv_field field = trim(table->row.fields[column]);
    int is_read;

    *out = (double)NAN;
    if (field.bytes == 0 || is_missing_by_job(&field, &table->spec->missing))
        goto out;
    if (is_date)
        is_read = gcr_date_parse(out, field.text, field.bytes, table->spec->x_format);
    else
        is_read = gcr_parse_padded_number(out, field.text, field.bytes);
    if (!is_read && !field_is(&field, "NA") && !field_is(&field, "NaN") && !field_is(&field, "nan"))
        GCR_TRY(complain_of_value(table, column, &field, is_date));
out:
    return status;
}

gcr_status gcr_table_key(const char **out, size_t *bytes_out, const gcr_table *table, int column)
{
    gcr_status status = GCR_OK;
    const gcr_csv_field field = trim(table->row.fields[column]);
    const char *control = find_control(&field);

    if (field.bytes == 0)
        GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ":%d: this row has no key (column '%s')", table->path,
                 table->row.line, column + 1, table->names[column]);
    if (!gcr_utf8_is_valid(field.text, field.bytes))
        GCR_FAIL(GCR_EFORMAT, "%s:%" PRIu64 ":%d: this key is not UTF-8; save the file as UTF-8",
                 table->path, table->row.line, column + 1);
    if (control != NULL)
        GCR_FAIL(GCR_EFORMAT,
                 "%s:%" PRIu64 ":%d: this key holds a control character (0x%02X), and the name of "
                 "a dataset must not",
                 table->path, table->row.line, column + 1, (unsigned)*control);
    *out = field.text;
    *bytes_out = field.bytes;
out:
    return status;
}
