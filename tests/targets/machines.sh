# machines.sh: to be sourced: how an object for each kind of machine is linked with main.c, and what runs it.
# In: $here, the folder tests; $work, a folder with m.o and m.h. Out: functions, and $why a machine is passed over.

# machine TARGET [FLAG...]: sets how it is linked and run; FLAGs are for main.c
machine() {
	board="" ram=0x100000 mhz=25 runs=""
	compiler=clang-19 flags="-O1 -w -I$work"
	case $1 in
	x86-64-v2 | x86-64-v3) compiler=cc ;;
	x86-64-v4) # qemu 7.2 has no AVX-512
		compiler=cc
		grep -q ' avx512f .* avx512cd .* avx512bw avx512vl' /proc/cpuinfo || runs=none
		;;
	aarch64) compiler=aarch64-linux-gnu-gcc runs=qemu-aarch64 ;;
	riscv64) compiler=riscv64-linux-gnu-gcc runs=qemu-riscv64 ;;
	riscv64v) compiler=riscv64-linux-gnu-gcc runs="qemu-riscv64 -cpu rv64,v=true,vlen=128" ;;
	armv7) compiler=arm-linux-gnueabihf-gcc runs=qemu-arm ;;
	microbit) board=microbit ram=0x4000 mhz=16 flags="$flags -mcpu=cortex-m0" ;; # 256 KiB of flash, no Thumb-2
	cortex-m0plus) board=mps2-an385 flags="$flags -mcpu=cortex-m0plus" ;;
	cortex-m4f) board=mps2-an386 flags="$flags -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard" ;;
	cortex-m7) board=mps2-an500 flags="$flags -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard" ;;
	cortex-m55) board=mps3-an547 ram=0x40000 mhz=32 flags="$flags -mcpu=cortex-m55 -mfloat-abi=hard" ;;
	wasm32) runs="node $here/targets/run.mjs" ;;
	*) echo "machines.sh: no machine '$1'" >&2 && exit 1 ;;
	esac
	name=$1
	shift
	flags="$flags $*"
	[ -z "$board" ] || compiler=arm-none-eabi-gcc runs="qemu-system-arm -M $board"
}

# lacks: whether a tool is missing, $why
lacks() {
	why=""
	for tool in "$compiler" ${runs%% *} $([ "$name" != wasm32 ] || echo wasm-ld); do
		[ "$tool" = none ] || command -v "$tool" > /dev/null || why="$why $tool"
	done
	[ -n "$why" ]
}

# link: $work/m.o with main.c to $work/run
link() {
	if [ -n "$board" ]; then
		"$compiler" $flags -DBARE -ffreestanding -nostdlib -T "$here/targets/bare.ld" -Wl,--defsym=ram_size="$ram" \
			-Wl,--gc-sections -Wl,--no-enum-size-warning -Wl,-z,noexecstack "$here/targets/bare.c" "$here/targets/main.c" \
			"$work/m.o" -lgcc -o "$work/run"
	elif [ "$name" = wasm32 ]; then
		"$compiler" --target=wasm32 $flags -DBARE -ffreestanding -c "$here/targets/main.c" -o "$work/main.o"
		wasm-ld --no-entry --export=main --allow-undefined "$work/main.o" "$work/m.o" -o "$work/run"
	else
		"$compiler" -static $flags "$here/targets/main.c" "$work/m.o" -o "$work/run"
	fi
}

# launch [OPTION...]: runs it, with more options for qemu
launch() {
	if [ -n "$board" ]; then
		timeout 100 $runs -display none -monitor none -serial none -semihosting "$@" -kernel "$work/run" 2>&1
	else
		$runs "$@" "$work/run"
	fi
}
