import prettier from 'prettier';

export const format = prettier;
