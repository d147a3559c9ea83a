; A machine's whole firmware: 64 KiB that count in real, protected and long mode and say so on the first serial port.
; "A" at the start, a dot for each CHUNK counted, "R", "P" and "L" as a mode is done, then exit code 33 by
; isa-debug-exit at port 0xf4. Assemble with: nasm -f bin -o probe.rom probe.asm
%define CHUNK  100000
%define CHUNKS 160
%define COM1   0x3f8

org 0x7c00
bits 16
start:
    cli
    cld
    mov ax, cs          ; the ROM; what follows runs from a copy in memory, as an operating system would
    mov ds, ax
    xor ax, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7c00
    xor si, si
    mov di, 0x7c00
    mov cx, end - start
    rep movsb
    jmp 0:real

%macro say 1
    mov al, %1
    out dx, al
%endmacro

%macro count 1          ; the mark of the mode
    mov bl, CHUNKS
%%chunk:
    mov ecx, CHUNK
%%down:
    dec ecx
    jnz %%down
    say '.'
    dec bl
    jnz %%chunk
    say %1
%endmacro

real:
    mov ds, ax
    mov dx, COM1
    say 'A'
    count 'R'
    lgdt [gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 8:protected

bits 32
protected:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7c00
    count 'P'
    mov dword [0xa000], 0xb003      ; one page of 2 MiB, mapped to itself
    mov dword [0xa004], 0
    mov dword [0xb000], 0xc003
    mov dword [0xb004], 0
    mov dword [0xc000], 0x83
    mov dword [0xc004], 0
    mov eax, cr4
    or eax, 0x20                    ; PAE
    mov cr4, eax
    mov eax, 0xa000
    mov cr3, eax
    mov ecx, 0xc0000080             ; EFER: long mode
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, cr0
    or eax, 0x80000000              ; paging
    mov cr0, eax
    jmp 24:longmode

bits 64
longmode:
    mov dx, COM1                    ; rdmsr took it
    count 'L'
    mov dx, 0xf4
    say 0x10                        ; exit code (0x10 << 1) | 1
halt:
    hlt
    jmp halt

align 8
gdt:
    dq 0
    dq 0x00cf9a000000ffff
    dq 0x00cf92000000ffff
    dq 0x00af9a000000ffff
gdtr:
    dw 31
    dd gdt
end:

bits 16
times 0xfff0 - ($ - $$) db 0
    jmp 0xf000:0                    ; where the processor starts
times 0x10000 - ($ - $$) db 0
