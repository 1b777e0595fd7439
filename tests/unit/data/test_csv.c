/* tests/unit/data/test_csv.c -- records and fields, as files have them. */
#include "table_test.h"

#include "data/csv.h"

#include <fcntl.h>
#include <pthread.h>

/* Reads t.csv and writes it as it was understood: fields in <>, with ' around quoted ones, and
 * records behind their line number. */
static const char *understand(char out[1024], const char *text, size_t bytes)
{
    gcr_csv *csv;
    gcr_csv_record record;
    int used = 0;

    write_file("t.csv", text, bytes);
    assert_ok(gcr_csv_open(&csv, "t.csv", 0));
    for (;;) {
        assert_ok(gcr_csv_next(&record, csv));
        if (record.count == 0)
            break;
        used += snprintf(out + used, 1024 - (size_t)used, "%d", (int)record.line);
        for (int i = 0; i < record.count; i++) {
            const gcr_csv_field *field = &record.fields[i];
            const char *quote = field->is_quoted ? "'" : "";

            used += snprintf(out + used, 1024 - (size_t)used, "<%s%.*s%s>", quote,
                             (int)field->bytes, field->text, quote);
        }
    }
    out[used] = '\0';
    gcr_csv_close(csv);
    return out;
}

static void assert_understood(const char *text, size_t bytes, const char *want)
{
    char got[1024];

    assert_string_equal(understand(got, text, bytes), want);
}

/* The first record that is wrong gives this sentence. */
static void assert_wrong(const char *text, size_t bytes, const char *sentence)
{
    gcr_csv *csv;
    gcr_csv_record record;
    gcr_status status;

    write_file("t.csv", text, bytes);
    status = gcr_csv_open(&csv, "t.csv", 0);
    while (status == GCR_OK) {
        status = gcr_csv_next(&record, csv);
        if (status == GCR_OK && record.count == 0)
            fail_msg("nothing is wrong with this text: \"%s\"", text);
    }
    gcr_csv_close(csv);
    assert_string_equal(gcr_status_name(status), "GCR_EFORMAT");
    assert_string_equal(gcr_last_error(), sentence);
}

static void test_fields_are_split_at_commas(void **state)
{
    (void)state;
    assert_understood(TEXT("a,b,c\n1,2,3\n"), "1<a><b><c>2<1><2><3>");
}

static void test_empty_fields_are_fields(void **state)
{
    (void)state;
    assert_understood(TEXT(",\na,,\n"), "1<><>2<a><><>");
}

static void test_a_quoted_field_holds_commas(void **state)
{
    (void)state;
    assert_understood(TEXT("\"Congo, Rep.\",1\n"), "1<'Congo, Rep.'><1>");
}

static void test_a_quoted_field_holds_line_ends_and_lines_are_still_counted(void **state)
{
    (void)state;
    assert_understood(TEXT("\"a\nb\",1\n\"c\r\nd\re\",2\nx,y\n"),
                      "1<'a\nb'><1>3<'c\r\nd\re'><2>6<x><y>");
}

static void test_a_doubled_quote_is_one_quote(void **state)
{
    (void)state;
    assert_understood(TEXT("\"say \"\"hi\"\"\",\"\"\"\",\"\"\n"), "1<'say \"hi\"'><'\"'><''>");
}

static void test_a_quote_inside_a_plain_field_is_itself(void **state)
{
    (void)state;
    assert_understood(TEXT("5\" pipe,a\"b\"\n"), "1<5\" pipe><a\"b\">");
}

static void test_lines_may_end_in_crlf(void **state)
{
    (void)state;
    assert_understood(TEXT("a,b\r\n1,\"2\"\r\n"), "1<a><b>2<1><'2'>");
}

static void test_lines_may_end_in_cr_alone(void **state)
{
    (void)state;
    assert_understood(TEXT("a,b\r1,\"2\"\r3,4"), "1<a><b>2<1><'2'>3<3><4>");
}

static void test_a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    assert_understood(TEXT("\xef\xbb\xbf\"a\",b\n"), "1<'a'><b>");
}

static void test_the_last_line_needs_no_end(void **state)
{
    (void)state;
    assert_understood(TEXT("a,b\n1,2"), "1<a><b>2<1><2>");
    assert_understood(TEXT("a,b\n1,"), "1<a><b>2<1><>");
    assert_understood(TEXT("a,b\n1,\"2\""), "1<a><b>2<1><'2'>");
}

static void test_blank_lines_are_no_records_but_count_as_lines(void **state)
{
    (void)state;
    assert_understood(TEXT("\n\na,b\n \t\n\r\n1,2\n\n\n"), "3<a><b>6<1><2>");
}

static void test_a_quoted_nothing_is_a_record(void **state)
{
    (void)state;
    assert_understood(TEXT("a\n\"\"\n"), "1<a>2<''>");
}

static void test_the_delimiter_follows_the_name_or_is_given(void **state)
{
    gcr_csv *csv;
    gcr_csv_record record;

    (void)state;
    write_file("t.TSV", TEXT("a,b\tc;d\n"));
    assert_ok(gcr_csv_open(&csv, "t.TSV", 0));
    assert_ok(gcr_csv_next(&record, csv));
    assert_int_equal(record.fields[0].bytes, 3);
    gcr_csv_close(csv);
    assert_ok(gcr_csv_open(&csv, "t.TSV", ';'));
    assert_ok(gcr_csv_next(&record, csv));
    assert_int_equal(record.fields[0].bytes, 5);
    gcr_csv_close(csv);
}

/* The field at the seam of two blocks must not be torn, whatever stands there. */
static void test_records_across_blocks_stay_whole(void **state)
{
    enum { RECORDS = 40000 };
    const size_t most = RECORDS * 32;
    char *text = malloc(most), want[32];
    gcr_csv *csv;
    gcr_csv_record record;
    size_t used = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < RECORDS; i++)
        used += (size_t)snprintf(text + used, most - used, "\"%d\"\"\r\n\",%d\r\n", i, i);
    write_file("t.csv", text, used);
    assert_ok(gcr_csv_open(&csv, "t.csv", 0));
    for (int i = 0; i < RECORDS; i++) {
        snprintf(want, sizeof want, "%d\"\r\n", i);
        assert_ok(gcr_csv_next(&record, csv));
        assert_int_equal(record.count, 2);
        assert_int_equal(record.line, 2 * i + 1);
        assert_int_equal(record.fields[0].bytes, strlen(want));
        assert_memory_equal(record.fields[0].text, want, strlen(want));
    }
    gcr_csv_close(csv);
    free(text);
}

static void test_a_record_longer_than_a_block_is_read(void **state)
{
    const size_t bytes = 3 << 20;
    char *text = malloc(bytes);
    gcr_csv *csv;
    gcr_csv_record record;

    (void)state;
    assert_non_null(text);
    memset(text, ',', bytes);
    write_file("t.csv", text, bytes);
    assert_ok(gcr_csv_open(&csv, "t.csv", 0));
    assert_ok(gcr_csv_next(&record, csv));
    assert_int_equal(record.count, bytes + 1);
    gcr_csv_close(csv);
    free(text);
}

static void *feed_pipe(void *arg)
{
    FILE *file = fopen("pipe.csv", "wb");

    (void)arg;
    for (int i = 0; file != NULL && i < 100000; i++)
        fprintf(file, "%d,%d\n", i, i);
    if (file != NULL)
        fclose(file);
    return NULL;
}

static void test_a_pipe_is_read_like_a_file(void **state)
{
    pthread_t writer;
    gcr_csv *csv;
    gcr_csv_record record;
    int count = 0;

    (void)state;
    assert_int_equal(mkfifo("pipe.csv", 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, feed_pipe, NULL), 0);
    assert_ok(gcr_csv_open(&csv, "pipe.csv", 0));
    do {
        assert_ok(gcr_csv_next(&record, csv));
        count += record.count;
    } while (record.count > 0);
    gcr_csv_close(csv);
    pthread_join(writer, NULL);
    assert_int_equal(count, 200000);
}

static void test_an_open_quote_is_named_where_it_opens(void **state)
{
    (void)state;
    assert_wrong(TEXT("a,b\n\"x\ny\",\"z\n1,2\n"),
                 "t.csv:3:2: the quote that opens here is never closed");
}

static void test_text_after_a_closing_quote_is_refused(void **state)
{
    (void)state;
    assert_wrong(TEXT("a,b\n1,\"x\"y\n"), "t.csv:2:2: text follows a closing quote (a quote inside "
                                          "a field is doubled)");
}

static void test_an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_wrong(TEXT(""), "t.csv is empty");
}

static void test_zero_bytes_are_not_text(void **state)
{
    (void)state;
    assert_wrong(TEXT("a,b\n1,\0\n"), "t.csv is not text");
}

static void test_control_characters_are_not_text(void **state)
{
    (void)state;
    assert_wrong(TEXT("\x7f"
                      "ELF\x02\x01\x01,\x03\n"),
                 "t.csv is not text");
}

static void test_utf16_is_told_apart_from_binary(void **state)
{
    (void)state;
    assert_wrong(TEXT("\xff\xfe"
                      "a\0,\0"),
                 "t.csv is not text as we read it: it is UTF-16; save it as UTF-8");
}

/* Behind the block that is looked at first: in a plain and in a quoted field. */
static void test_a_late_zero_byte_is_named_by_line(void **state)
{
    const size_t bytes = 300 << 10;
    char *text = malloc(bytes + 8);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i += 4)
        memcpy(text + i, "1,2\n", 4);
    memcpy(text + bytes, "1,x\0x\n", 6);
    assert_wrong(text, bytes + 6, "t.csv:76801:2: a zero byte; this file is not text");
    memcpy(text + bytes, "1,\"\0\"\n", 6);
    assert_wrong(text, bytes + 6, "t.csv:76801:2: a zero byte; this file is not text");
    free(text);
}

static void test_one_line_of_100_megabytes_is_refused(void **state)
{
    FILE *file = fopen("t.csv", "wb");
    gcr_csv *csv;
    gcr_csv_record record;
    char block[1000];

    (void)state;
    assert_non_null(file);
    memset(block, '1', sizeof block);
    fputs("a,b\n", file);
    for (int i = 0; i < 100000; i++)
        fwrite(block, 1, sizeof block, file);
    fclose(file);
    assert_ok(gcr_csv_open(&csv, "t.csv", 0));
    assert_ok(gcr_csv_next(&record, csv));
    assert_status(gcr_csv_next(&record, csv), GCR_EFORMAT);
    assert_string_equal(gcr_last_error(), "t.csv:2: this line is longer than 64 MiB; is it a "
                                          "table, and is every quote in it closed?");
    gcr_csv_close(csv);
}

static void test_a_file_that_is_not_there_is_named(void **state)
{
    gcr_csv *csv;

    (void)state;
    assert_status(gcr_csv_open(&csv, "no.csv", 0), GCR_EUNREADABLE);
    assert_string_equal(gcr_last_error(), "cannot read no.csv: No such file or directory");
    assert_null(csv);
}

static void test_a_folder_is_not_a_table(void **state)
{
    gcr_csv *csv;

    (void)state;
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_status(gcr_csv_open(&csv, "folder", 0), GCR_EUNREADABLE);
    assert_string_equal(gcr_last_error(),
                        "folder is a folder; name the files in it, for example folder/*.csv");
}

/* Root may read everything, so this asks for a refusal that root gets too. */
static void test_a_refusal_to_read_gives_the_systems_words(void **state)
{
    gcr_csv *csv;

    (void)state;
    assert_status(gcr_csv_open(&csv, "/proc/self/mem", 0), GCR_EUNREADABLE);
    assert_error_mentions("cannot read /proc/self/mem: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_split_at_commas),
        cmocka_unit_test(test_empty_fields_are_fields),
        cmocka_unit_test(test_a_quoted_field_holds_commas),
        cmocka_unit_test(test_a_quoted_field_holds_line_ends_and_lines_are_still_counted),
        cmocka_unit_test(test_a_doubled_quote_is_one_quote),
        cmocka_unit_test(test_a_quote_inside_a_plain_field_is_itself),
        cmocka_unit_test(test_lines_may_end_in_crlf),
        cmocka_unit_test(test_lines_may_end_in_cr_alone),
        cmocka_unit_test(test_a_byte_order_mark_is_passed_over),
        cmocka_unit_test(test_the_last_line_needs_no_end),
        cmocka_unit_test(test_blank_lines_are_no_records_but_count_as_lines),
        cmocka_unit_test(test_a_quoted_nothing_is_a_record),
        cmocka_unit_test(test_the_delimiter_follows_the_name_or_is_given),
        cmocka_unit_test(test_records_across_blocks_stay_whole),
        cmocka_unit_test(test_a_record_longer_than_a_block_is_read),
        cmocka_unit_test(test_a_pipe_is_read_like_a_file),
        cmocka_unit_test(test_an_open_quote_is_named_where_it_opens),
        cmocka_unit_test(test_text_after_a_closing_quote_is_refused),
        cmocka_unit_test(test_an_empty_file_is_refused),
        cmocka_unit_test(test_zero_bytes_are_not_text),
        cmocka_unit_test(test_control_characters_are_not_text),
        cmocka_unit_test(test_utf16_is_told_apart_from_binary),
        cmocka_unit_test(test_a_late_zero_byte_is_named_by_line),
        cmocka_unit_test(test_one_line_of_100_megabytes_is_refused),
        cmocka_unit_test(test_a_file_that_is_not_there_is_named),
        cmocka_unit_test(test_a_folder_is_not_a_table),
        cmocka_unit_test(test_a_refusal_to_read_gives_the_systems_words),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
