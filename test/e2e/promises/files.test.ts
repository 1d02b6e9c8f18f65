import { fileService } from '../../helpers/lock-services/files.js';
import { failureTests } from './failures.js';

failureTests('files', 4, fileService);
