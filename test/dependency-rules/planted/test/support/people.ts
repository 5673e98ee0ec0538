export const ada = 'ada';
