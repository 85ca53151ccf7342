/* amx_tmpl.h - what the rows on tile registers share: their configuration, the loop over k
 * SPDX-License-Identifier: Apache-2.0
 * Include after vec_avx512.h, with a VTARGET that has tiles and TILE_DOT(c, a, b): c += a b, of tiles given by their numbers.
 *
 * A row of a is one string of bytes, each tap's filled up to a multiple of 4; 4 bytes of k are a row of a tile of b, so that sixteen such rows of a packed
 * panel are a tile as they lie. k is cut every 64 bytes; where they do not come out even, the last cut ends with the string and meets zeros of a where
 * the one before has been. */

enum { TILE_ROWS = 16, CUT_BYTES = 64, CUT = 2 * TILE_ROWS * CUT_BYTES /* bytes of one cut of a tile's rows, gathered */ };

/* Compilers do not know what the tile instructions read. */
#define IN_MEMORY(p) __asm__ volatile("" : : "r"(p) : "memory")

/* What LDTILECFG reads. */
typedef struct tile_config {
    uint8_t palette, start_row, unused[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} tile_config;

VF size_t cut_of(size_t bytes) { return mote_min_size(CUT_BYTES, bytes); }

/* Tiles 0 to 2: sums of the first rows; 3 to 5: of the last; 6: rows of a; 7: columns of b. bytes: of k. */
static VTARGET void tiles_begin(size_t bytes)
{
    _Alignas(64) tile_config config = {.palette = 1};
    const size_t cut = cut_of(bytes);
    for (size_t i = 0; i < 8; i++) {
        config.bytes[i] = (uint16_t)(i == 6 ? cut : CUT_BYTES);
        config.rows[i] = (uint8_t)(i == 7 ? cut / 4 : TILE_ROWS);
    }
    IN_MEMORY(&config);
    _tile_loadconfig(&config);
}

static VTARGET void tiles_end(void) { _tile_release(); }

/* sum: m (1..32) rows of w (16, 32, 48) values of 4 bytes. a: gathered, 32 rows to a cut; panel: w times `bytes`. */
static VTARGET void tiles_product(const char *a, const char *panel, size_t bytes, size_t m, size_t w, void *sum)
{
    const size_t cut = cut_of(bytes), stride = 4 * w;
    const bool both = m > TILE_ROWS;
    const size_t later = both ? m - TILE_ROWS : 0; /* the last 16 rows begin here: some are computed twice */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    for (size_t from = 0; from < bytes; from += cut, a += CUT) {
        const char *b = panel + mote_min_size(from, bytes - cut) * w, *last = a + later * CUT_BYTES;
        _tile_loadd(7, b, stride);
        _tile_loadd(6, a, CUT_BYTES);
        TILE_DOT(0, 6, 7);
        if (!both) {
            if (w > 16) {
                _tile_loadd(7, b + 64, stride);
                TILE_DOT(1, 6, 7);
            }
            if (w > 32) {
                _tile_loadd(7, b + 128, stride);
                TILE_DOT(2, 6, 7);
            }
            continue;
        }
        _tile_loadd(6, last, CUT_BYTES);
        TILE_DOT(3, 6, 7);
        if (w > 16) {
            _tile_loadd(7, b + 64, stride);
            TILE_DOT(4, 6, 7);
            _tile_loadd(6, a, CUT_BYTES);
            TILE_DOT(1, 6, 7);
        }
        if (w > 32) {
            _tile_loadd(7, b + 128, stride);
            TILE_DOT(2, 6, 7);
            _tile_loadd(6, last, CUT_BYTES);
            TILE_DOT(5, 6, 7);
        }
    }
    char *first = sum, *below = first + later * stride;
    _tile_stored(0, first, stride);
    if (w > 16)
        _tile_stored(1, first + 64, stride);
    if (w > 32)
        _tile_stored(2, first + 128, stride);
    if (both) {
        _tile_stored(3, below, stride);
        if (w > 16)
            _tile_stored(4, below + 64, stride);
        if (w > 32)
            _tile_stored(5, below + 128, stride);
    }
}
