# Cross build for 64-bit ARM Linux with Debian's and Ubuntu's gcc-aarch64-linux-gnu; tests run under qemu-user.
# SPDX-License-Identifier: Apache-2.0
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
find_program(MOTE_QEMU NAMES qemu-aarch64-static qemu-aarch64)
set(MOTE_QEMU_CPU "max" CACHE STRING "The CPU that tests see, as for qemu's -cpu")
set(CMAKE_CROSSCOMPILING_EMULATOR "${MOTE_QEMU};-cpu;${MOTE_QEMU_CPU};-L;/usr/aarch64-linux-gnu")
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
