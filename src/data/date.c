/*
 * data/date.c -- strptime, made strict.
 *
 * strptime takes 30 February and leaves trailing text alone; both are looked at here. The count of
 * days is our own: timegm() would normalise a wrong date into a right one.
 */
#include "data/date.h"

#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { DATE_MAX = 127 }; /* characters; longer ones are not dates */

static locale_t english;

static void create_english(void)
{
    english = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* `month` from 0. */
static int days_in_month(int year, int month)
{
    static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month] + (month == 1 && is_leap(year));
}

/* Days from 1970-01-01 to 1 January of `year`, in the Gregorian calendar carried back for ever. */
static double days_before_year(int year)
{
    const long past = (long)year - 1; /* whole years since the year 1; negative before it */
    const long cycles = (past >= 0 ? past : past - 399) / 400, left = past - 400 * cycles;

    return (double)(cycles * 146097 + left * 365 + left / 4 - left / 100 - 719162);
}

static double days_of(const struct tm *date)
{
    double days = days_before_year(date->tm_year + 1900) + date->tm_mday - 1;
    const long seconds = date->tm_hour * 3600L + date->tm_min * 60L + date->tm_sec;

    for (int month = 0; month < date->tm_mon; month++)
        days += days_in_month(date->tm_year + 1900, month);
    return days + (double)(seconds - date->tm_gmtoff) / 86400;
}

int gcr_date_parse(double *out, const char *text, size_t bytes, const char *format)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct tm date = { .tm_mday = 1, .tm_year = 70 };
    char copy[DATE_MAX + 1];
    const char *end;

    pthread_once(&once, create_english);
    if (bytes > DATE_MAX)
        return 0;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    end = strptime_l(copy, format, &date, english);
    if (end != copy + bytes || date.tm_mday > days_in_month(date.tm_year + 1900, date.tm_mon))
        return 0;
    *out = days_of(&date);
    return 1;
}
