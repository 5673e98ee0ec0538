import 'punycode';
