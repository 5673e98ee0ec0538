import { readProcessInput } from './config/process-input.js';
import './boot.js';

readProcessInput();
