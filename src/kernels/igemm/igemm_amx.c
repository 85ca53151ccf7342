/* igemm_amx.c - integer gemm on tile registers (TDPBUSD): 16 rows by 16 columns of sums, 64 bytes of k at a time
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sixteen groups of a packed panel are a tile of b as they lie. k is one string of bytes for this: each tap's channels, filled up to a multiple of
 * 4. It is cut every 64; the last cut ends with the string and meets zeros of a where the one before has been. */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/igemm/igemm.h"
#include "kernels/vec/vec_avx512.h"
#undef VTARGET
#define VTARGET MOTE_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx2,fma,f16c,amx-tile,amx-int8")
#define TILE_NV 3
#include "kernels/igemm/igemm_finish_tmpl.h"

enum { TILE_ROWS = 16, DEPTH = 64, CUT = 2 * TILE_ROWS * DEPTH, FEW = 6 /* rows: tiles of so few are no faster than vectors */ };

/* Compilers do not know what the tile instructions read. */
#define IN_MEMORY(p) __asm__ volatile("" : : "r"(p) : "memory")

/* What LDTILECFG reads. */
typedef struct tile_config {
    uint8_t palette, start_row, unused[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} tile_config;

/* Bytes lo..hi (0..64). */
VF uint64_t bytes_mask(size_t lo, size_t hi) { return lo >= hi ? 0 : (hi == 64 ? 0 : (uint64_t)1 << hi) - ((uint64_t)1 << lo); }

/* Bytes from..to of the m rows' strings, at the place that they have in the cut that begins at `cut`; zeros around. */
static VTARGET void gather_cut(const mote_igemm_tile *t, size_t cut, size_t from, size_t to, uint8_t *dst)
{
    const size_t tap_bytes = (t->kc + 3) / 4 * 4;
    const __m512i flip = _mm512_set1_epi32((int32_t)t->flip);
    for (size_t tap = from / tap_bytes, first = tap; tap < t->taps && tap * tap_bytes < to; tap++) {
        const size_t start = tap * tap_bytes, lo = mote_max_size(start, from), hi = mote_min_size(start + t->kc, to);
        const uint64_t mask = hi > lo ? bytes_mask(lo - cut, hi - cut) : 0;
        const void *const *a = t->a + tap * t->a_step;
        for (size_t i = 0; i < t->m; i++) {
            /* the address may lie outside of the row: masked bytes are not read */
            __m512i v = _mm512_maskz_loadu_epi8(mask, (const void *)((uintptr_t)a[i] + cut - start));
            v = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(v, flip));
            if (tap != first)
                v = _mm512_or_si512(v, _mm512_load_si512(dst + i * DEPTH));
            _mm512_store_si512(dst + i * DEPTH, v);
        }
    }
}

VF size_t cut_bytes(size_t bytes) { return mote_min_size(DEPTH, bytes); }

static VTARGET void begin(size_t taps, size_t kc)
{
    _Alignas(64) tile_config config = {.palette = 1};
    const size_t depth = cut_bytes(4 * mote_igemm_groups(taps, kc));
    for (size_t i = 0; i < 8; i++) {
        config.bytes[i] = (uint16_t)(i == 6 ? depth : DEPTH);
        config.rows[i] = (uint8_t)(i == 7 ? depth / 4 : TILE_ROWS);
    }
    IN_MEMORY(&config);
    _tile_loadconfig(&config);
}

static VTARGET void end(void) { _tile_release(); }

/* Each cut: 32 rows of 64 bytes. Tiles of rows that lie apart are slow to load. */
static VTARGET void gather(const mote_igemm_tile *t, void *dst)
{
    const size_t bytes = 4 * mote_igemm_groups(t->taps, t->kc), depth = cut_bytes(bytes);
    for (size_t from = 0; from < bytes; from += depth)
        gather_cut(t, mote_min_size(from, bytes - depth), from, mote_min_size(from + depth, bytes), (uint8_t *)dst + from / depth * CUT);
}

const mote_igemm_hooks mote_igemm_amx_hooks = {CUT, begin, end, gather};

/* Tiles 0 to 2: sums of the first rows; 3 to 5: of the last; 6: rows of a; 7: columns of b. */
VTARGET void mote_igemm_u8_s8_s32_32x48c4_amx(const mote_igemm_tile *t)
{
    if (t->m <= FEW) {
        mote_igemm_u8_s8_s32_8x48c4_avx512vnni(t);
        return;
    }
    _Alignas(64) int32_t sum[2 * TILE_ROWS * 48];
    const size_t bytes = 4 * mote_igemm_groups(t->taps, t->kc), depth = cut_bytes(bytes), w = (t->n + 15) / 16 * 16, stride = 4 * w;
    const bool both = t->m > TILE_ROWS;
    const size_t later = both ? t->m - TILE_ROWS : 0; /* the last 16 rows begin here: some are computed twice */
    const uint8_t *panel = (const uint8_t *)t->b + 16 * w, *a = t->gathered;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (size_t from = 0; from < bytes; from += depth, a += CUT) {
        const uint8_t *b = panel + mote_min_size(from, bytes - depth) * w, *last = a + later * DEPTH;
        _tile_loadd(7, b, stride);
        _tile_loadd(6, a, DEPTH);
        _tile_dpbusd(0, 6, 7);
        if (!both) {
            if (w > 16) {
                _tile_loadd(7, b + 64, stride);
                _tile_dpbusd(1, 6, 7);
            }
            if (w > 32) {
                _tile_loadd(7, b + 128, stride);
                _tile_dpbusd(2, 6, 7);
            }
            continue;
        }
        _tile_loadd(6, last, DEPTH);
        _tile_dpbusd(3, 6, 7);
        if (w > 16) {
            _tile_loadd(7, b + 64, stride);
            _tile_dpbusd(4, 6, 7);
            _tile_loadd(6, a, DEPTH);
            _tile_dpbusd(1, 6, 7);
        }
        if (w > 32) {
            _tile_loadd(7, b + 128, stride);
            _tile_dpbusd(2, 6, 7);
            _tile_loadd(6, last, DEPTH);
            _tile_dpbusd(5, 6, 7);
        }
    }
    int32_t *below = sum + later * w;
    _tile_stored(0, sum, stride);
    if (w > 16)
        _tile_stored(1, sum + 16, stride);
    if (w > 32)
        _tile_stored(2, sum + 32, stride);
    if (both) {
        _tile_stored(3, below, stride);
        if (w > 16)
            _tile_stored(4, below + 16, stride);
        if (w > 32)
            _tile_stored(5, below + 32, stride);
    }
    finish(t, sum, w, true);
}
#else
typedef int igemm_amx_empty;
#endif
