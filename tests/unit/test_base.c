/* test_base.c - maps, SHA-256, UTF-8, CPU features, arenas
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/arena.h"
#include "base/cpu.h"
#include "base/map.h"
#include "base/sha256.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { FILE_BYTES = 100000 };

static uint8_t pattern(size_t i) { return (uint8_t)(i * 31 + (i >> 8)); }

static int make_file(char path[64])
{
    strcpy(path, "/tmp/mote-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    uint8_t *bytes = malloc(FILE_BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = pattern(i);
    assert_int_equal(write(fd, bytes, FILE_BYTES), FILE_BYTES);
    free(bytes);
    return fd;
}

static void check_content(const mote_map *map, size_t offset, size_t bytes)
{
    assert_int_equal(map->bytes, bytes);
    for (size_t i = 0; i < bytes; i++)
        if (map->data[i] != pattern(offset + i))
            fail_msg("byte %zu of a map from %zu", i, offset);
}

static void maps(void **state)
{
    (void)state;
    char path[64];
    int fd = make_file(path);
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_diag diag = MOTE_DIAG_INIT;
    mote_map map;
    assert_true(lseek(fd, 17, SEEK_SET) == 17);
    for (int copy = 0; copy < 2; copy++) {
        assert_int_equal(mote_map_path(&map, path, copy, &heap, &diag), MOTE_OK);
        check_content(&map, 0, FILE_BYTES);
        mote_map_deinit(&map);
        static const struct {
            uint64_t offset, length;
        } parts[] = {{0, 1}, {1, 1}, {4095, 2}, {4096, 4096}, {12345, 54321}, {65536, 0}, {99999, 1}, {99999, 0}};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            size_t offset = (size_t)parts[i].offset, length = (size_t)parts[i].length;
            assert_int_equal(mote_map_fd(&map, fd, offset, length, copy, "part", &heap, &diag), MOTE_OK);
            check_content(&map, offset, length == 0 ? FILE_BYTES - offset : length);
            static const uint8_t other[1];
            mote_map_release(&map, map.data, map.bytes); /* what comes back is the same */
            mote_map_release(&map, map.data + map.bytes / 3, map.bytes / 2);
            mote_map_release(&map, map.data + map.bytes, 1);
            mote_map_release(&map, other, 1);
            mote_map_release(&map, NULL, 0);
            check_content(&map, offset, length == 0 ? FILE_BYTES - offset : length);
            mote_map_deinit(&map);
        }
        /* The end itself is an empty range, beyond it is an error. */
        assert_int_equal(mote_map_fd(&map, fd, FILE_BYTES, 0, copy, "part", &heap, &diag), MOTE_OK);
        assert_true(map.bytes == 0 && map.data != NULL);
        mote_map_deinit(&map);
        assert_int_equal(mote_map_fd(&map, fd, FILE_BYTES + 1, 0, copy, "part", &heap, NULL), MOTE_E_FORMAT);
        assert_int_equal(mote_map_fd(&map, fd, 1, FILE_BYTES, copy, "part", &heap, NULL), MOTE_E_FORMAT);
        assert_int_equal(mote_map_fd(&map, fd, UINT64_MAX, UINT64_MAX, copy, "part", &heap, NULL), MOTE_E_FORMAT);
        assert_null(map.data);
        mote_map_deinit(&map);
        assert_int_equal(mote_map_path(&map, "/nonexistent/file", copy, &heap, NULL), MOTE_E_IO);
        assert_int_equal(mote_map_path(&map, "/tmp", copy, &heap, NULL), MOTE_E_IO);
        assert_int_equal(mote_map_path(&map, "/dev/zero", copy, &heap, NULL), MOTE_E_IO);
    }
    assert_true(lseek(fd, 0, SEEK_CUR) == 17);
    assert_int_equal(heap.used, 0);
    mote_heap small;
    mote_heap_init(&small, NULL, 1000);
    assert_int_equal(mote_map_path(&map, path, true, &small, NULL), MOTE_E_MEMORY);
    assert_int_equal(mote_map_path(&map, "/nonexistent/file", false, &heap, &diag), MOTE_E_IO);
    assert_string_equal(diag.message, "/nonexistent/file: cannot open: No such file or directory");
    close(fd);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: opening must not wait */
    assert_int_equal(mote_map_path(&map, path, false, &heap, NULL), MOTE_E_IO);
    unlink(path);
}

/* FIPS 180-4's examples, and every length around a block's edge fed in every split. */
static void sha256(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[32], whole[32];
    char hex[65];
    mote_sha256 s;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        mote_sha256_init(&s);
        mote_sha256_put(&s, known[i].text, strlen(known[i].text));
        mote_sha256_end(&s, digest);
        mote_sha256_hex(digest, hex);
        assert_string_equal(hex, known[i].hex);
    }
    mote_sha256_init(&s);
    for (int i = 0; i < 1000; i++) {
        char thousand[1000];
        memset(thousand, 'a', sizeof thousand);
        mote_sha256_put(&s, thousand, sizeof thousand);
    }
    mote_sha256_end(&s, digest);
    mote_sha256_hex(digest, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    uint8_t data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = pattern(i);
    for (size_t n = 0; n <= sizeof data; n++) {
        mote_sha256_init(&s);
        mote_sha256_put(&s, data, n);
        mote_sha256_end(&s, whole);
        for (size_t first = 0; first <= n; first++) {
            mote_sha256_init(&s);
            mote_sha256_put(&s, data, first);
            mote_sha256_put(&s, data + first, n - first);
            mote_sha256_end(&s, digest);
            assert_memory_equal(digest, whole, 32);
        }
    }
}

static void utf8(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char bytes[4];
        size_t n = mote_utf8_put(bytes, c);
        assert_int_equal(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        assert_int_equal(mote_utf8_length(bytes, n), n);
        if (n > 1)
            assert_int_equal(mote_utf8_length(bytes, n - 1), 0);
    }
    static const char *const wrong[] = {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                                        "\xf8\x88\x80\x80", "\xff", "\xe2\x28\xa1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(mote_utf8_length(wrong[i], strlen(wrong[i])), 0);
}

static void cpu(void **state)
{
    (void)state;
    uint32_t features = mote_cpu_available();
    assert_int_equal(features, mote_cpu_features());
    for (unsigned i = 0; i < 32; i++)
        if (features >> i & 1)
            assert_non_null(mote_cpu_name(1u << i));
    assert_null(mote_cpu_name(0));
    assert_null(mote_cpu_name(1u << 31));
#if MOTE_AARCH64
    assert_true(features & MOTE_CPU_NEON);
#elif MOTE_X86_64 && defined(__GNUC__)
    assert_int_equal((features & MOTE_CPU_AVX2) != 0, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    assert_int_equal((features & MOTE_CPU_AVX512) != 0, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                                            __builtin_cpu_supports("avx512cd"));
#endif
    size_t l1, l2, l3;
    mote_cpu_caches(&l1, &l2, &l3);
    assert_in_range(l1, 4 << 10, 1 << 20);
    assert_in_range(l2, 64 << 10, 1 << 28);
    assert_true(l3 >= 64 << 10);
}

static void arenas(void **state)
{
    (void)state;
    mote_heap heap;
    mote_arena arena;
    mote_heap_init(&heap, NULL, 0);
    mote_arena_init(&arena, &heap);
    for (size_t n = 0; n < 3000; n++) {
        uint8_t *p = mote_arena_calloc(&arena, n, 1 + n % 3);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (n * (1 + n % 3) >= 64 ? 64 : 16), 0);
        for (size_t i = 0; i < n * (1 + n % 3); i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n * (1 + n % 3));
    }
    assert_null(mote_arena_calloc(&arena, SIZE_MAX, 2));
    assert_null(mote_arena_calloc(&arena, SIZE_MAX, 1));
    assert_string_equal(mote_arena_printf(&arena, "%d-%s", 7, "x").p, "7-x");
    assert_string_equal(mote_arena_str(&arena, (mote_str){"abcd", 2}).p, "ab");
    mote_arena_deinit(&arena);
    assert_int_equal(heap.used, 0);
    assert_true(heap.peak > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps), cmocka_unit_test(sha256), cmocka_unit_test(utf8), cmocka_unit_test(cpu),
                                       cmocka_unit_test(arenas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
