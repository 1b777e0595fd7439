/* cli/screen.c -- see screen.h. */
#include "cli/screen.h"

#include "comm/started.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { LABEL_COLUMNS = 11, USUAL_COLUMNS = 80 };

static const char ellipsis[] = "\xe2\x80\xa6";

void gcr_screen_begin(void)
{
    static char line[BUFSIZ];

    if (gcr_started_by_launcher())
        setvbuf(stderr, line, _IOLBF, sizeof line);
}

int gcr_screen_columns(FILE *stream)
{
    const int fd = fileno(stream);
    struct winsize size;

    if (gcr_started_by_launcher() || !isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col;
}

/* One character: how many bytes it has, how many columns it takes, and whether it can be shown. */
typedef struct glyph {
    size_t bytes;
    int columns;
    int is_plain;
} glyph;

static glyph read_glyph(const char *text)
{
    mbstate_t state = { 0 };
    wchar_t c;
    const size_t bytes = mbrtowc(&c, text, strlen(text), &state);
    int columns;

    if (bytes == (size_t)-1 || bytes == (size_t)-2)
        return (glyph){ 1, 1, 0 };
    columns = wcwidth(c);
    return columns < 0 ? (glyph){ bytes, 1, 0 } : (glyph){ bytes, columns, 1 };
}

static int width_of(const char *text, const char *end)
{
    int columns = 0;

    while (text < end) {
        const glyph next = read_glyph(text);

        columns += next.columns;
        text += next.bytes;
    }
    return columns;
}

int gcr_screen_width(const char *text)
{
    return width_of(text, text + strlen(text));
}

static int put_glyphs(FILE *stream, const char *text, const char *end, int columns)
{
    int used = 0;

    while (text < end) {
        const glyph next = read_glyph(text);

        if (used + next.columns > columns)
            break;
        if (next.is_plain)
            fwrite(text, 1, next.bytes, stream);
        else
            fputc('?', stream);
        used += next.columns;
        text += next.bytes;
    }
    return used;
}

int gcr_screen_put(FILE *stream, const char *text, int columns)
{
    const char *end = text + strlen(text);
    const int width = width_of(text, end);
    int used;

    if (columns < 0 || width <= columns)
        return put_glyphs(stream, text, end, width);
    if (columns == 0)
        return 0;
    used = put_glyphs(stream, text, end, columns - 1);
    fputs(ellipsis, stream);
    return used + 1;
}

void gcr_screen_lines(FILE *stream, const char *text)
{
    while (*text != '\0') {
        const char *end = strchrnul(text, '\n');

        put_glyphs(stream, text, end, width_of(text, end));
        fputc('\n', stream);
        text = *end == '\n' ? end + 1 : end;
    }
}

/* Prints the words of `text` in lines of at most `columns` (0: one line), `indent` before each but
 * the first, which has been begun already. */
static void put_wrapped(FILE *stream, const char *text, int indent, int columns)
{
    int at = indent;

    while (*text != '\0') {
        const char *end = strchrnul(text, ' ');
        const int width = width_of(text, end);

        if (columns > 0 && at > indent && at + 1 + width > columns) {
            fprintf(stream, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', stream);
            at++;
        }
        at += put_glyphs(stream, text, end, width);
        text = *end == ' ' ? end + 1 : end;
    }
}

void gcr_screen_note(FILE *stream, const char *label, const char *format, ...)
{
    char text[1024];
    va_list args;
    int padding;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    padding = LABEL_COLUMNS - gcr_screen_put(stream, label, -1);
    fprintf(stream, "%*s", padding > 1 ? padding : 1, "");
    put_wrapped(stream, text, LABEL_COLUMNS, gcr_screen_columns(stream));
    fputc('\n', stream);
}
