// CommonJS packages that require() Nest would meet its ES modules half-loaded; loading Nest first avoids the cycle.
import 'reflect-metadata';
import '@nestjs/common';
import '@nestjs/core';
