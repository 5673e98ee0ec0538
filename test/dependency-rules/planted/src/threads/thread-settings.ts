import { readProcessInput } from '../config/process-input.js';

readProcessInput();
