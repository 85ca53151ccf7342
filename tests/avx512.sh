#!/bin/sh
# avx512.sh - the kernels' tests on an emulated CPU with AVX-512, for machines that have none (qemu's emulation ends with AVX2)
# SPDX-License-Identifier: Apache-2.0
#
# usage, as root on Debian or Ubuntu: tests/avx512.sh [MODEL [FAMILY...]]     MODEL: a CPU that Bochs knows (corei7_skylake_x)
# Boots Debian's kernel in Bochs (packages bochs, bochs-term, isolinux, syslinux-common, xorriso, cpio), with the tests linked statically in its
# first file system. An emulated second is a minute or so: all families take about an hour. The kernel's package is downloaded, not installed.
set -eu
cd "$(dirname "$0")/.."
cpu=${1:-corei7_skylake_x}
[ $# = 0 ] || shift
families=${*:-$(grep -l kcheck_args tests/kernels/test_*.c | sed 's/.*test_//; s/\.c$//')}
root=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/mote-avx512-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends bochs bochs-term isolinux syslinux-common xorriso cpio >/dev/null
cmake --preset release -DMOTE_BUILD_TESTS=ON >/dev/null
cmake --build --preset release --target mote_internal >/dev/null

mkdir -p "$work/root/tests" "$work/root/proc" "$work/root/dev" "$work/iso/isolinux"
for family in $families; do
    cc -O2 -std=gnu17 -Itests/support/cmocka -Itests -Iinclude -Isrc -I. "tests/kernels/test_$family.c" -static -o "$work/root/tests/$family" \
        build/release/libmote_internal.a -lm -lpthread
done
cat >"$work/init.c" <<'C'
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    char line[4096];
    mount("proc", "/proc", "proc", 0, NULL);
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "flags", 5) == 0)
            printf("%s", line);
    DIR *d = opendir("/tests");
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        char path[300];
        int status = -1;
        snprintf(path, sizeof path, "/tests/%s", e->d_name);
        pid_t child = fork();
        if (child == 0) {
            execl(path, path, (char *)NULL);
            _exit(127);
        }
        waitpid(child, &status, 0);
        printf("RESULT %s %s\n", e->d_name, status == 0 ? "ok" : "FAILED");
    }
    printf("THE END\n");
    fflush(stdout);
    sleep(1);
    reboot(RB_POWER_OFF);
    return 0;
}
C
cc -O2 -static -o "$work/root/init" "$work/init.c"
mknod "$work/root/dev/console" c 5 1
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1 >"$work/iso/initrd.gz")

(
    cd "$work"
    image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2 }')
    apt-get download -q "$image" >/dev/null 2>&1
    dpkg-deb -x ./linux-image*.deb kernel
    cp kernel/boot/vmlinuz* iso/vmlinuz
    cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 iso/isolinux/
    cat >iso/isolinux/isolinux.cfg <<'CFG'
default mote
prompt 0
timeout 1
label mote
 kernel /vmlinuz
 append initrd=/initrd.gz console=ttyS0,115200 nopku noxsaves mitigations=off nokaslr tsc=reliable panic=1 quiet
CFG
    xorriso -as mkisofs -quiet -o boot.iso -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table iso 2>/dev/null
    cat >bochsrc <<CFG
display_library: term
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=$cpu, count=1, ips=50000000, reset_on_triple_fault=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.txt
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
clock: sync=none
CFG
    echo c >commands # Debian's Bochs stops in its debugger first
)
cd "$work"
: >serial.txt
(sleep 14400 | TERM=xterm script -qfc "bochs -q -f bochsrc -unlock -rc commands" /dev/null >/dev/null 2>&1) &
bochs=$!
shown=0
while kill -0 $bochs 2>/dev/null && ! grep -q "THE END" serial.txt; do
    sleep 5
    lines=$(grep -ac . serial.txt || true)
    [ "$lines" = "$shown" ] || { tail -n +$((shown + 1)) serial.txt | grep -aE 'RESULT|FAILED|ERROR|flags' || true; shown=$lines; }
done
pkill -f "$work" 2>/dev/null || pkill bochs-bin || true
cd "$root"
ok=$(grep -ac 'RESULT .* ok' "$work/serial.txt" || true)
bad=$(grep -ac 'RESULT .* FAILED' "$work/serial.txt" || true)
grep -aq "THE END" "$work/serial.txt" || bad=$((bad + 1))
grep -aq avx512f "$work/serial.txt" || { echo "the emulated CPU has no AVX-512"; bad=$((bad + 1)); }
echo "$ok passed, $bad failed"
[ "$bad" = 0 ]
