import prettier from 'prettier';
import '../../../test/support/people.js';

export const format = prettier;
