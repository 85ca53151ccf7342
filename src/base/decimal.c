/* decimal.c - decimal text to f64 by exact integer arithmetic
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/decimal.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The largest number met is 10^394, for 64 digits just above 10^-330, and one bit more while dividing: 1310 bits. */
enum { LIMBS = 42, DIGITS = 64 };

typedef struct big {
    uint32_t limb[LIMBS]; /* least significant first */
    size_t n;             /* limbs in use: the last is not 0 */
} big;

static void big_mul_add(big *b, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < b->n; i++) {
        carry += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        b->limb[b->n++] = (uint32_t)carry;
}

static void big_mul_pow10(big *b, int e)
{
    for (; e >= 9; e -= 9)
        big_mul_add(b, 1000000000u, 0);
    for (; e > 0; e--)
        big_mul_add(b, 10, 0);
}

static int big_bits(const big *b) { return b->n == 0 ? 0 : (int)b->n * 32 - __builtin_clz(b->limb[b->n - 1]); }

static void big_shift_left(big *b, int by)
{
    size_t limbs = (size_t)by / 32;
    unsigned bits = (unsigned)by % 32;
    if (b->n == 0)
        return;
    if (bits != 0)
        big_mul_add(b, 1u << bits, 0);
    memmove(b->limb + limbs, b->limb, b->n * sizeof b->limb[0]);
    memset(b->limb, 0, limbs * sizeof b->limb[0]);
    b->n += limbs;
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a -= b, for a >= b */
static void big_sub(big *a, const big *b)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t take = (i < b->n ? b->limb[i] : 0) + borrow;
        borrow = a->limb[i] < take;
        a->limb[i] = (uint32_t)(a->limb[i] - take);
    }
    while (a->n != 0 && a->limb[a->n - 1] == 0)
        a->n--;
}

/* The f64 nearest to num / den, both not 0; `more`: the true quotient is a little larger. Changes both. */
static double big_ratio(big *num, big *den, bool more)
{
    /* num / den * 2^e, with num / den brought into [1, 2) */
    int e = big_bits(num) - big_bits(den);
    if (e > 0)
        big_shift_left(den, e);
    else
        big_shift_left(num, -e);
    if (big_compare(num, den) < 0) {
        big_shift_left(num, 1);
        e--;
    }
    uint64_t q = 0; /* the quotient's first 64 bits */
    for (int i = 0; i < 64; i++) {
        bool one = big_compare(num, den) >= 0;
        if (one)
            big_sub(num, den);
        q = q << 1 | one;
        big_shift_left(num, 1);
    }
    more = more || num->n != 0;
    if (e > 1023)
        return (double)INFINITY;
    int keep = e >= -1022 ? 53 : 53 - (-1022 - e); /* bits that the result has */
    if (keep < 0)
        return 0;
    uint64_t kept = keep == 0 ? 0 : q >> (64 - keep), rest = q << keep, half = UINT64_C(1) << 63;
    if (rest > half || (rest == half && (more || (kept & 1) != 0)))
        kept++;
    return ldexp((double)kept, e - keep + 1);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool mote_f64_from_text(const char *text, size_t n, double *out)
{
    const char *p = text, *end = text + n;
    bool negative = p < end && *p == '-', point = false, more = false;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    big num = {{0}, 0};
    int digits = 0;       /* in num, from the first that is not 0 */
    int64_t exponent = 0; /* the number is num * 10^exponent */
    size_t seen = 0;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        seen++;
        if (digits < DIGITS) {
            if (*p != '0' || digits != 0) {
                big_mul_add(&num, 10, (uint32_t)(*p - '0'));
                digits++;
            }
            exponent -= point;
        } else {
            more = more || *p != '0';
            exponent += !point;
        }
    }
    if (seen == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return false;
        int64_t x = 0;
        for (; p < end && is_digit(*p); p++)
            x = x > INT64_MAX / 100 ? x : x * 10 + (*p - '0');
        exponent += minus ? -x : x;
    }
    if (p != end)
        return false;
    double value = 0;
    if (digits != 0 && exponent + digits > 310) /* at least 10^310 */
        value = (double)INFINITY;
    else if (digits != 0 && exponent + digits > -330) { /* below 10^-330 nothing rounds up to the least f64, 4.9e-324 */
        big den = {{1}, 1};
        big_mul_pow10(exponent < 0 ? &den : &num, (int)(exponent < 0 ? -exponent : exponent));
        value = big_ratio(&num, &den, more);
    }
    *out = negative ? -value : value;
    return true;
}
