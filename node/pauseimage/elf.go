// SPDX-License-Identifier: Apache-2.0

package pauseimage

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// loadAddr is where the program is loaded; any free low page does.
const loadAddr = 0x400000

const (
	fileHeader    = 64 // bytes, ELF64
	programHeader = 56
	entry         = loadAddr + fileHeader + programHeader
)

// program is the whole of pause for one CPU. It ignores SIGCHLD, which makes the
// kernel reap the children of pid 1 (pods that share the PID namespace), and
// then sleeps for ever. Written in machine code because the result, under 200
// bytes, can be part of this binary: nothing to build, ship or find at run time.
func program(arch string) (machine uint16, code []byte, err error) {
	switch arch {
	case "amd64":
		return 62, []byte{ // EM_X86_64
			0xb8, 13, 0, 0, 0, // mov eax, rt_sigaction
			0xbf, 17, 0, 0, 0, // mov edi, SIGCHLD
			0x48, 0x8d, 0x35, 23, 0, 0, 0, // lea rsi, [rip+23] (action)
			0x31, 0xd2, // xor edx, edx
			0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8
			0x0f, 0x05, // syscall
			0xb8, 34, 0, 0, 0, // sleep: mov eax, pause
			0x0f, 0x05, // syscall
			0xeb, 0xf7, // jmp sleep
			0x90, 0x90, 0x90, 0x90, // pad to a multiple of eight
		}, nil
	case "arm64":
		words := []uint32{
			0xd28010c8, // movz x8, #134 (rt_sigaction)
			0xd2800220, // movz x0, #17 (SIGCHLD)
			0x10000161, // adr x1, action (11 instructions on)
			0xd2800002, // movz x2, #0
			0xd2800103, // movz x3, #8
			0xd4000001, // svc #0
			0xd2800928, // sleep: movz x8, #73 (ppoll)
			0xd2800000, // movz x0, #0
			0xd2800001, // movz x1, #0
			0xd2800002, // movz x2, #0
			0xd2800003, // movz x3, #0
			0xd4000001, // svc #0
			0x17fffffa, // b sleep (6 instructions back)
		}
		for _, w := range words {
			code = binary.LittleEndian.AppendUint32(code, w)
		}
		return 183, code, nil // EM_AARCH64
	default:
		return 0, nil, fmt.Errorf("no pause program for %s", arch)
	}
}

// Executable returns a static Linux executable for the architecture, in Go's
// naming, that sleeps until it is killed.
func Executable(arch string) ([]byte, error) {
	machine, code, err := program(arch)
	if err != nil {
		return nil, err
	}
	action := make([]byte, 32) // struct sigaction: SIG_IGN, no flags, empty mask
	action[0] = 1
	size := uint64(fileHeader + programHeader + len(code) + len(action))
	var out bytes.Buffer
	out.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	for _, field := range []any{
		uint16(2), machine, uint32(1), uint64(entry), // executable, version 1
		uint64(fileHeader), uint64(0), uint32(0), // program header offset, no sections
		uint16(fileHeader), uint16(programHeader), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(loadAddr), uint64(loadAddr), size, size, uint64(0x1000), // PT_LOAD, read and execute
	} {
		if err := binary.Write(&out, binary.LittleEndian, field); err != nil {
			return nil, fmt.Errorf("write the pause program: %w", err)
		}
	}
	out.Write(code)
	out.Write(action)
	return out.Bytes(), nil
}
