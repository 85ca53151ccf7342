/* test_search.c - recipes as text, patterns, and the search for precisions against trying everything
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/recipe/recipe.h"
#include "quant/sensitivity/divergence.h"
#include "quant/sensitivity/search.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- patterns ---- */

/* By definition: '*' stands for any text. */
static bool matches(const char *p, const char *t)
{
    if (*p == 0)
        return *t == 0;
    if (*p == '*')
        return matches(p + 1, t) || (*t != 0 && matches(p, t + 1));
    return *p == *t && matches(p + 1, t + 1);
}

static void patterns_match(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int k = 0; k < 20000; k++) {
        char p[9], t[13];
        size_t n[2];
        for (int side = 0; side < 2; side++) {
            char *s = side == 0 ? p : t;
            n[side] = (size_t)(seed >> 33) % (side == 0 ? sizeof p : sizeof t);
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            for (size_t i = 0; i < n[side]; i++, seed = seed * 6364136223846793005u + 1442695040888963407u)
                s[i] = (side == 0 ? "ab*" : "ab")[(seed >> 33) % (side == 0 ? 3 : 2)];
            s[n[side]] = 0;
        }
        assert_int_equal(mote_pattern_matches((mote_str){p, n[0]}, (mote_str){t, n[1]}), matches(p, t));
    }
    /* what takes exponential time when tried naively */
    char many[2001], text[20001];
    for (size_t i = 0; i < 2000; i++)
        many[i] = i % 2 == 0 ? 'a' : '*';
    memset(text, 'a', 20000);
    many[2000] = text[20000] = 0;
    many[1999] = 'b';
    assert_false(mote_pattern_matches(mote_str_c(many), mote_str_c(text)));
}

/* ---- the search ---- */

enum { LAYERS = 7, OPTIONS = 3, MOST = 16 };

static double uniform(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 11) * 0x1p-53;
}

/* Every point of the hull is an assignment whose price is right; none is beaten by another assignment in noise + lambda cost for every lambda, when borders are free; with
 * borders, the ends are right and no point is beaten by another of the hull. */
static void check_search(uint64_t seed, bool borders)
{
    double noise[LAYERS * OPTIONS], cost[LAYERS * OPTIONS], border[OPTIONS * OPTIONS] = {0};
    mote_edge to[LAYERS], from[LAYERS];
    size_t first[LAYERS + 2], from_first[LAYERS + 2];
    mote_edges edges = {to, from, first, from_first, LAYERS - 1};
    uint8_t memory[MOTE_SEARCH_ROOM][LAYERS];
    mote_search_point points[MOTE_SEARCH_ROOM];
    for (size_t i = 0; i < LAYERS; i++) {
        noise[i * OPTIONS] = 0;
        cost[i * OPTIONS] = 4 * (1 + uniform(&seed) * 10);
        noise[i * OPTIONS + 1] = 1e-6 * exp(5 * uniform(&seed));
        cost[i * OPTIONS + 1] = cost[i * OPTIONS] / 2;
        noise[i * OPTIONS + 2] = uniform(&seed) < 0.1 ? (double)INFINITY : 1e-3 * exp(5 * uniform(&seed));
        cost[i * OPTIONS + 2] = cost[i * OPTIONS] / 4;
    }
    for (size_t i = 0; i + 1 < LAYERS; i++)
        to[i] = from[i] = (mote_edge){i, i + 1, 100 * uniform(&seed)};
    for (size_t i = 0; i <= LAYERS; i++) {
        first[i] = i == 0 ? 0 : i - 1;
        from_first[i] = i < LAYERS - 1 ? i : LAYERS - 1;
    }
    for (size_t k = 0; borders && k < OPTIONS * OPTIONS; k++)
        border[k] = k / OPTIONS == k % OPTIONS ? 0 : 0.02;
    for (size_t k = 0; k < MOTE_SEARCH_ROOM; k++)
        points[k] = (mote_search_point){.option = memory[k]};
    const mote_search s = {LAYERS, OPTIONS, noise, cost, &edges, border};
    const size_t n = mote_search_hull(&s, points, MOST);
    assert_true(n >= 2 && n <= MOST);
    double least_cost = INFINITY;
    uint8_t option[LAYERS] = {0};
    for (size_t code = 0; code < 2187; code++) { /* 3^7: all of them */
        size_t c = code;
        for (size_t i = 0; i < LAYERS; i++, c /= OPTIONS)
            option[i] = (uint8_t)(c % OPTIONS);
        mote_search_point p = {.option = option};
        mote_search_price(&s, &p);
        if (!isfinite(p.noise))
            continue;
        least_cost = fmin(least_cost, p.cost);
        for (size_t k = 0; k < n && !borders; k++) /* supported: no assignment beats it in both */
            assert_false(p.noise < points[k].noise * (1 - 1e-12) && p.cost < points[k].cost * (1 - 1e-12));
    }
    assert_true(points[0].cost <= least_cost * (borders ? 1.05 : 1 + 1e-12));
    assert_true(points[n - 1].noise == 0);
    for (size_t k = 0; k < n; k++) {
        mote_search_point again = {.option = points[k].option};
        mote_search_price(&s, &again);
        assert_true(again.noise == points[k].noise && again.cost == points[k].cost);
        if (k > 0)
            assert_true(points[k].cost > points[k - 1].cost && points[k].noise < points[k - 1].noise);
    }
}

static void search_finds_the_hull(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        check_search(seed, false);
        check_search(seed, true);
    }
}

static void search_of_nothing(void **state)
{
    (void)state;
    uint8_t memory[MOTE_SEARCH_ROOM][1];
    mote_search_point points[MOTE_SEARCH_ROOM];
    for (size_t k = 0; k < MOTE_SEARCH_ROOM; k++)
        points[k] = (mote_search_point){.option = memory[k]};
    const mote_search s = {0, OPTIONS, NULL, NULL, NULL, NULL};
    assert_int_equal(mote_search_hull(&s, points, MOST), 1);
    assert_true(points[0].noise == 0 && points[0].cost == 0);
}

/* ---- divergence ---- */

static void divergence_is_what_it_says(void **state)
{
    (void)state;
    const float a[6] = {1, 2, 3, 0, -1, 4}, b[6] = {1, 2.5f, 3, 0, -1, 3};
    mote_divergence d = {0};
    mote_divergence_add(&d, a, a, 6, 3);
    assert_true(mote_divergence_ratio(&d) == 0 && isinf(mote_divergence_sqnr_db(&d)) && mote_divergence_kl(&d) == 0);
    assert_true(fabs(mote_divergence_cosine(&d) - 1) < 1e-12);
    d = (mote_divergence){0};
    mote_divergence_add(&d, a, b, 3, 3);
    mote_divergence_add(&d, a + 3, b + 3, 3, 3);
    assert_true(fabs(mote_divergence_ratio(&d) - 1.25 / 31) < 1e-12);
    double kl = 0;
    for (int r = 0; r < 2; r++) {
        double sa = 0, sb = 0;
        for (int i = 0; i < 3; i++) {
            sa += exp((double)a[r * 3 + i]);
            sb += exp((double)b[r * 3 + i]);
        }
        for (int i = 0; i < 3; i++)
            kl += exp((double)a[r * 3 + i]) / sa * ((double)a[r * 3 + i] - log(sa) - (double)b[r * 3 + i] + log(sb)) / 2;
    }
    assert_true(fabs(mote_divergence_kl(&d) - kl) < 1e-12 && d.rows == 2 && d.same == 2);
    const float nan[3] = {1, NAN, 3};
    mote_divergence_add(&d, a, nan, 3, 3);
    assert_true(d.broken && isinf(mote_divergence_ratio(&d)) && mote_divergence_cosine(&d) == 0);
    d = (mote_divergence){0};
    mote_divergence_add(&d, nan, a, 3, 3); /* the original's own NaN is left out */
    assert_true(!d.broken && mote_divergence_ratio(&d) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns_match), cmocka_unit_test(search_finds_the_hull), cmocka_unit_test(search_of_nothing),
                                       cmocka_unit_test(divergence_is_what_it_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
