/* base/utf8.c -- see utf8.h. What is wrong with a character shows in its first two bytes. */
#include "base/utf8.h"

size_t gcr_utf8_character(const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char first = at[0];
    const size_t count = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || count > bytes)
        return 0;
    if (count > 1 && (at[1] < least || at[1] > most))
        return 0;
    for (size_t i = 2; i < count; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return count;
}

int gcr_utf8_is_valid(const char *text, size_t bytes)
{
    size_t at = 0, step = 1;

    for (; at < bytes && step > 0; at += step)
        step = gcr_utf8_character(text + at, bytes - at);
    return step > 0;
}
