/** Whether people bring keys of their own: never, if they like, or always. */
export const personalKeyRules = ['none', 'allowed', 'required'] as const;

export type PersonalKeyRule = (typeof personalKeyRules)[number];
