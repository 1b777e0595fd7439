/* tests/unit/data/test_job_yaml.c -- what a job file may not be, before anybody asks what it
 * says. */
#include "unit/data/job_test.h"

#include <stdio.h>

static void test_an_anchor_is_refused(void **state)
{
    (void)state;
    assert_malformed(JOB("grid: {a: &list [1, 2]}\n"),
                     "t.yaml:4:11: a job file has no anchors (&list)");
}

static void test_an_alias_is_refused(void **state)
{
    (void)state;
    assert_malformed(JOB("grid: {a: *list}\n"),
                     "t.yaml:4:11: a job file has no aliases (*list); write it out");
}

static void test_a_tag_is_refused(void **state)
{
    (void)state;
    assert_malformed(JOB("seed: !!int 5\n"),
                     "t.yaml:4:7: a job file has no tags (tag:yaml.org,2002:int)");
}

static void test_a_second_document_is_refused(void **state)
{
    (void)state;
    assert_malformed(JOB("---\nname: u\n"), "t.yaml:4:1: a second document; a job file is one");
}

static void test_an_explicit_document_is_a_job(void **state)
{
    gcr_job job = job_of("---\n" JOB("...\n"));

    (void)state;
    assert_string_equal(job.name, "t");
    gcr_job_clear(&job);
}

static void test_a_file_with_a_byte_order_mark_is_a_job(void **state)
{
    gcr_job job = job_of("\xEF\xBB\xBF" JOB(""));

    (void)state;
    assert_string_equal(job.name, "t");
    gcr_job_clear(&job);
}

static void test_a_file_with_carriage_returns_is_a_job(void **state)
{
    gcr_job job = job_of("name: t\r\ndata:\r\n  source: a.csv\r\nkernel: gp\r\n");

    (void)state;
    assert_string_equal(job.data.sources.names[0], "a.csv");
    assert_int_equal(job.kernel_mark.line, 4);
    gcr_job_clear(&job);
}

#define EMPTY "t.yaml: the file is empty; a job has at least name, data and kernel"

static void test_an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_malformed("", EMPTY);
}

static void test_a_file_of_comments_is_empty(void **state)
{
    (void)state;
    assert_malformed("# nothing\n\n", EMPTY);
}

static void test_a_document_without_content_is_empty(void **state)
{
    (void)state;
    assert_malformed("---\n", EMPTY);
}

static void test_sixteen_levels_are_refused_by_their_meaning_only(void **state)
{
    (void)state;
    assert_invalid("kernel: [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]\n",
                   "t.yaml:1:9: 'kernel' takes the name of a kernel, not a list");
}

static void test_a_file_nested_deeper_is_refused(void **state)
{
    (void)state;
    assert_malformed("kernel: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n",
                     "t.yaml:1:24: nested deeper than 16 levels");
}

static void test_a_very_deep_file_is_refused(void **state)
{
    static char text[100001];

    (void)state;
    memset(text, '[', sizeof text - 1);
    assert_malformed(text, "t.yaml:1:17: nested deeper than 16 levels");
}

static void test_a_file_over_a_mebibyte_is_refused(void **state)
{
    static char text[(1 << 20) + 2];

    (void)state;
    memset(text, '#', sizeof text - 1);
    assert_malformed(text, "t.yaml: more than 1 MiB; a job file is not that large");
}

static void test_a_mapping_of_very_many_keys_is_refused(void **state)
{
    char text[4096];
    size_t used = 0;

    (void)state;
    for (int i = 0; i < 300; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "k%d:\n", i);
    assert_invalid(text, "t.yaml:257:1: more than 256 keys in one mapping");
}

static void test_bytes_that_are_not_utf8_are_named(void **state)
{
    (void)state;
    assert_malformed("name: t\nkernel: \xC3\xA9\xFF\n",
                     "t.yaml:2:10: not a text file: invalid leading UTF-8 octet (0xFF)");
}

static void test_a_control_character_is_named(void **state)
{
    (void)state;
    assert_malformed("name: t\nkernel: g\033p\n",
                     "t.yaml:2:10: not a text file: control characters are not allowed (0x1B)");
}

static void test_a_control_character_behind_an_escape_is_named(void **state)
{
    (void)state;
    assert_malformed("kernel: \"g\\0p\"\n", "t.yaml:1:9: control character 0x00 in a text");
}

static void test_a_file_in_utf16_is_not_text(void **state)
{
    (void)state;
    assert_malformed("\xFF\xFEn",
                     "t.yaml:1:1: not a text file: invalid leading UTF-8 octet (0xFF)");
}

static void test_a_bracket_that_is_not_closed_is_located(void **state)
{
    (void)state;
    assert_malformed(
        "grid: {a: [1, 2}\n",
        "t.yaml:1:16: not YAML: did not find expected ',' or ']', while parsing a flow "
        "sequence that began in line 1");
}

static void test_indentation_that_does_not_fit_is_located(void **state)
{
    (void)state;
    assert_malformed(
        "run:\n    device: cpu\n  batch: 5\n",
        "t.yaml:3:3: not YAML: did not find expected key, while parsing a block mapping "
        "that began in line 1");
}

static void test_a_tab_for_indentation_is_explained(void **state)
{
    (void)state;
    assert_malformed(
        "run:\n\tdevice: cpu\n",
        "t.yaml:2:1: not YAML: no value starts with this character (indent with "
        "blanks, not tabs; quote text that starts with a sign), while scanning for the "
        "next token that began in line 2");
}

static void test_a_list_as_a_key_is_refused(void **state)
{
    (void)state;
    assert_invalid("? [a, b]\n: 1\n", "t.yaml:1:3: a key must be text, not a list or a mapping");
}

static void test_an_empty_key_is_refused(void **state)
{
    (void)state;
    assert_invalid("\"\": 1\n", "t.yaml:1:1: a key is empty");
}

static void test_a_key_of_several_lines_is_refused(void **state)
{
    (void)state;
    assert_invalid("\"a\\nb\": 1\n", "t.yaml:1:1: a key is one line of at most 64 bytes");
}

static void test_a_merge_key_is_an_unknown_key(void **state)
{
    (void)state;
    assert_invalid("<<: {name: t}\n",
                   "t.yaml:1:1: unknown key '<<' (known: name, data, kernel, options, seed, grid, "
                   "where, summary, run, output)");
}

static void test_columns_count_characters_and_not_bytes(void **state)
{
    (void)state;
    assert_invalid(DATA("{source: \xC3\xA9t\xC3\xA9.csv, layot: wide}"),
                   "t.yaml:2:25: unknown key 'layot' in 'data' (did you mean 'layout'?)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_anchor_is_refused),
        cmocka_unit_test(test_an_alias_is_refused),
        cmocka_unit_test(test_a_tag_is_refused),
        cmocka_unit_test(test_a_second_document_is_refused),
        cmocka_unit_test(test_an_explicit_document_is_a_job),
        cmocka_unit_test(test_a_file_with_a_byte_order_mark_is_a_job),
        cmocka_unit_test(test_a_file_with_carriage_returns_is_a_job),
        cmocka_unit_test(test_an_empty_file_is_refused),
        cmocka_unit_test(test_a_file_of_comments_is_empty),
        cmocka_unit_test(test_a_document_without_content_is_empty),
        cmocka_unit_test(test_sixteen_levels_are_refused_by_their_meaning_only),
        cmocka_unit_test(test_a_file_nested_deeper_is_refused),
        cmocka_unit_test(test_a_very_deep_file_is_refused),
        cmocka_unit_test(test_a_file_over_a_mebibyte_is_refused),
        cmocka_unit_test(test_a_mapping_of_very_many_keys_is_refused),
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_named),
        cmocka_unit_test(test_a_control_character_is_named),
        cmocka_unit_test(test_a_control_character_behind_an_escape_is_named),
        cmocka_unit_test(test_a_file_in_utf16_is_not_text),
        cmocka_unit_test(test_a_bracket_that_is_not_closed_is_located),
        cmocka_unit_test(test_indentation_that_does_not_fit_is_located),
        cmocka_unit_test(test_a_tab_for_indentation_is_explained),
        cmocka_unit_test(test_a_list_as_a_key_is_refused),
        cmocka_unit_test(test_an_empty_key_is_refused),
        cmocka_unit_test(test_a_key_of_several_lines_is_refused),
        cmocka_unit_test(test_a_merge_key_is_an_unknown_key),
        cmocka_unit_test(test_columns_count_characters_and_not_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
