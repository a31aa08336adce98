# LuaJIT states, embedded scripts and the program.
