/* tests/unit/data/test_host_file.c -- lists of machines: what is taken, and what is refused
 * where. */
#include "support/gcr_test.h"

#include "data/host_file.h"

#include <stdio.h>

/* The list as one text: "a 3, b auto, user@c:22 1 (10.0.0.1)". */
static const char *shown(const char *text)
{
    static char out[4096];
    gcr_host_list list;
    size_t at = 0;

    assert_ok(gcr_host_list_parse(&list, "machines", text, strlen(text)));
    out[0] = '\0';
    for (size_t i = 0; i < list.count; i++) {
        const gcr_host *host = list.hosts[i];
        char ranks[16] = "auto";

        if (host->ranks != GCR_HOST_RANKS_AUTO)
            snprintf(ranks, sizeof ranks, "%d", host->ranks);
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s%s%s%s%s %s", i > 0 ? ", " : "",
                               host->user != NULL ? host->user : "", host->user != NULL ? "@" : "",
                               host->name, host->port != NULL ? ":" : "",
                               host->port != NULL ? host->port : "", ranks);
        if (host->bind_address != NULL)
            at += (size_t)snprintf(out + at, sizeof out - at, " (%s)", host->bind_address);
    }
    gcr_host_list_clear(&list);
    return out;
}

static void refused(const char *text, const char *place, const char *why)
{
    gcr_host_list list;

    assert_status(gcr_host_list_parse(&list, "machines", text, strlen(text)), GCR_EINVAL);
    assert_memory_equal(gcr_last_error(), place, strlen(place));
    assert_error_mentions(why);
    assert_null(list.hosts);
    assert_int_equal(list.count, 0);
}

static void test_machines_that_are_named_again_take_more_ranks(void **state)
{
    (void)state;
    assert_string_equal(shown("2*a\n a\nauto*b\n# c\n"), "a 3, b auto");
    assert_string_equal(shown("n2\nn1\nn2\nn2\n"), "n2 3, n1 1");
    assert_string_equal(shown("auto*b\nauto*b"), "b auto");
}

static void test_a_line_may_have_all_parts(void **state)
{
    (void)state;
    assert_string_equal(shown("4*me@gpu-01.cluster_x:2222 10.0.0.1:9000"),
                        "me@gpu-01.cluster_x:2222 4 (10.0.0.1:9000)");
    assert_string_equal(shown("auto*a\tfast0"), "a auto (fast0)");
}

static void test_what_is_said_of_a_machine_once_holds_for_all_lines(void **state)
{
    (void)state;
    assert_string_equal(shown("a\nme@a\na:22\nme@a:22\n"), "me@a:22 4");
}

static void test_blanks_comments_and_line_ends_of_any_kind(void **state)
{
    (void)state;
    assert_string_equal(shown("\r\n  \t\n# all of it\n\t2*a # two\r\nb#close\r\n\n  c"),
                        "a 2, b 1, c 1");
}

static void test_a_count_is_a_whole_number_or_auto(void **state)
{
    (void)state;
    refused("0*a", "machines:1:1: ", "1 to 1048576, or auto");
    refused("ok\n  x*a\n", "machines:2:3: ", "how many ranks");
    refused("-1*a", "machines:1:1: ", "how many ranks");
    refused("1.5*a", "machines:1:1: ", "how many ranks");
    refused("*a", "machines:1:1: ", "how many ranks");
    refused("AUTO*a", "machines:1:1: ", "how many ranks");
    refused("99999999999999999999*a", "machines:1:1: ", "how many ranks");
}

static void test_no_more_ranks_than_there_can_be(void **state)
{
    (void)state;
    assert_string_equal(shown("1048575*a\na"), "a 1048576");
    refused("1048576*a\nb\n", "machines:2:1: ", "more than 1048576 ranks");
}

static void test_a_name_has_the_characters_of_names(void **state)
{
    char text[300];

    (void)state;
    refused("3*", "machines:1:3: ", "the name of a machine is missing");
    refused("x*", "machines:1:1: ", "how many ranks");
    refused("2*3*a", "machines:1:4: ", "cannot have '*'");
    refused("@a", "machines:1:1: ", "the name of a user is missing");
    refused("me@", "machines:1:4: ", "the name of a machine is missing");
    refused("me@you@a", "machines:1:7: ", "cannot have '@'");
    refused("-oProxyCommand=x", "machines:1:1: ", "cannot begin with '-'");
    refused("me@-a", "machines:1:4: ", "cannot begin with '-'");
    refused("a\nb\xc3\xa4\n", "machines:2:2: ", "byte 0xc3");
    refused("[::1]", "machines:1:1: ", "cannot begin with '['");
    memset(text, 'a', sizeof text);
    text[254] = '\0';
    refused(text, "machines:1:1: ", "254 characters");
    assert_true(strlen(shown(text + 1)) == 253 + 2);
}

static void test_a_byte_of_value_zero_is_no_end(void **state)
{
    static const char text[] = "a\nb\0c\n";
    gcr_host_list list;

    (void)state;
    assert_status(gcr_host_list_parse(&list, "machines", text, sizeof text - 1), GCR_EINVAL);
    assert_error_mentions("machines:2:2: ");
    assert_error_mentions("byte 0x00");
}

static void test_a_port_is_a_number_up_to_65535(void **state)
{
    (void)state;
    assert_string_equal(shown("a:65535"), "a:65535 1");
    refused("a:99999", "machines:1:3: ", "1 to 65535");
    refused("a:0", "machines:1:3: ", "1 to 65535");
    refused("a:", "machines:1:3: ", "1 to 65535");
    refused("a:+1", "machines:1:3: ", "1 to 65535");
    refused("a:22:23", "machines:1:3: ", "1 to 65535");
    refused("a 10.0.0.1:http", "machines:1:12: ", "1 to 65535");
}

static void test_a_line_has_at_most_two_words(void **state)
{
    (void)state;
    refused("a b c", "machines:1:5: ", "more in this line");
    refused("a slots=4", "machines:1:8: ", "cannot have '='"); /* a hostfile of Open MPI */
    refused("2 a", "machines:1:1: ", "is written 2*NAME");
}

static void test_lines_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    refused("2*a\nauto*a", "machines:2:1: ", "line 1 names it first");
    refused("auto*a\nb\n a", "machines:3:2: ", "'a' takes a number of ranks in one line");
    refused("me@a\nyou@a", "machines:2:1: ", "the user of 'a' is 'me' above, and 'you' here");
    refused("a:1\na:2", "machines:2:3: ", "the port of 'a'");
    refused("a x\na y", "machines:2:3: ", "the address to bind to of 'a'");
}

static void test_a_list_without_machines_is_refused(void **state)
{
    (void)state;
    refused("", "machines: ", "no machine");
    refused("# nobody\n\n", "machines: ", "no machine");
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
    gcr_host_list list;

    (void)state;
    assert_status(gcr_host_list_read(&list, "/nowhere/machines"), GCR_EUNREADABLE);
    assert_error_mentions("/nowhere/machines: ");
    assert_status(gcr_host_list_read(&list, "/"), GCR_EUNREADABLE);
}

/* xorshift64*, seeded: a failure can be replayed. */
static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717) >> 32;
}

static void test_whatever_the_bytes_are_the_answer_is_a_list_or_a_place(void **state)
{
    static const char alphabet[] = "ab12-.*@:# \t\n\rauto0";
    uint64_t seed = 20240517;
    int lists = 0, refusals = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        const size_t bytes = draw(&seed) % 24;
        char *text = malloc(bytes + 1); /* of its own, so that a byte too far is noticed */
        gcr_host_list list;

        for (size_t b = 0; b < bytes; b++)
            text[b] = draw(&seed) % 32 == 0 ? (char)draw(&seed)
                                            : alphabet[draw(&seed) % (sizeof alphabet - 1)];
        if (gcr_host_list_parse(&list, "m", text, bytes) == GCR_OK) {
            assert_true(list.count > 0);
            lists++;
        } else {
            assert_memory_equal(gcr_last_error(), "m:", 2);
            assert_null(strchr(gcr_last_error(), '\n'));
            refusals++;
        }
        gcr_host_list_clear(&list);
        free(text);
    }
    assert_in_range(lists, 500, 20000);
    assert_in_range(refusals, 500, 20000);
}

static void test_many_machines_are_found_again(void **state)
{
    enum { MACHINES = 20000 };
    char *text = malloc(2 * MACHINES * 8 + 1);
    size_t at = 0;
    gcr_host_list list;

    (void)state;
    for (int i = 0; i < 2 * MACHINES; i++)
        at += (size_t)sprintf(text + at, "n%d\n", i % MACHINES);
    assert_ok(gcr_host_list_parse(&list, "m", text, at));
    assert_int_equal(list.count, MACHINES);
    assert_string_equal(list.hosts[MACHINES - 1]->name, "n19999");
    assert_int_equal(list.hosts[MACHINES - 1]->ranks, 2);
    gcr_host_list_clear(&list);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_that_are_named_again_take_more_ranks),
        cmocka_unit_test(test_a_line_may_have_all_parts),
        cmocka_unit_test(test_what_is_said_of_a_machine_once_holds_for_all_lines),
        cmocka_unit_test(test_blanks_comments_and_line_ends_of_any_kind),
        cmocka_unit_test(test_a_count_is_a_whole_number_or_auto),
        cmocka_unit_test(test_no_more_ranks_than_there_can_be),
        cmocka_unit_test(test_a_name_has_the_characters_of_names),
        cmocka_unit_test(test_a_byte_of_value_zero_is_no_end),
        cmocka_unit_test(test_a_port_is_a_number_up_to_65535),
        cmocka_unit_test(test_a_line_has_at_most_two_words),
        cmocka_unit_test(test_lines_that_contradict_each_other_are_refused),
        cmocka_unit_test(test_a_list_without_machines_is_refused),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(test_whatever_the_bytes_are_the_answer_is_a_list_or_a_place),
        cmocka_unit_test(test_many_machines_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
